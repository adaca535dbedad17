//! The words of a mail that are its author's own: without quoted history, signature and disclaimer.
//!
//! What is removed is removed by whole lines; what is doubtful stays. Quotations between answers go, the answers never do. The
//! whole text is kept beside it, so whoever misses a quotation finds it there. Knows neither headers nor parts of a mail.

mod attribution;
mod ending;
mod headers;
mod history;
mod marks;
mod signs;
#[rustfmt::skip] // Tables, to be read by line.
mod words;

pub(super) use marks::Marker;

/// How often what is left is looked at again: without the quotation between them, lines may mean something else.
const MAX_PASSES: usize = 4;

/// A line, and what it was found to be.
#[derive(Clone, Copy)]
struct Line<'x> {
    text: &'x str,
    is_quoted: bool,
    is_signature: bool,
    begins_older: bool,
}

impl Line<'_> {
    fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Whether it is the author's, as far as known.
    fn is_own(&self) -> bool {
        !self.is_quoted && !self.is_signature
    }
}

/// A text with the marks of its HTML, as the text without them and its author's own words.
///
/// The own words are lines of the text, in order; `None` where they are all of it. They are all of it also where no other words
/// would be left, so that a mail that only forwards another one still says something.
pub(super) fn split(marked: &str) -> (String, Option<String>) {
    let (text, marks) = marks::split(marked);
    let lines = text.split('\n').zip(marks).map(|(text, marked)| Line {
        text,
        is_quoted: marked.is_quoted,
        is_signature: marked.is_signature,
        begins_older: marked.begins_older,
    });
    // HTML that calls everything quoted is asked once more as plain text.
    let own = own_words(lines.collect()).and_then(settle).or_else(|| own_words(unmarked(&text)).and_then(settle));
    let own = own.filter(|own| *own != text);
    (text, own)
}

/// The own words of own words are themselves: looks again until nothing changes. `None` when that takes too long: then someone
/// plays with us.
fn settle(mut own: String) -> Option<String> {
    for _ in 0..MAX_PASSES {
        match own_words(unmarked(&own)) {
            Some(shorter) if shorter != own => own = shorter,
            _ => return Some(own),
        }
    }
    None
}

fn unmarked(text: &str) -> Vec<Line<'_>> {
    text.split('\n').map(|text| Line { text, is_quoted: false, is_signature: false, begins_older: false }).collect()
}

/// One look; `None` when no words are left.
fn own_words(mut lines: Vec<Line<'_>>) -> Option<String> {
    history::mark(&mut lines);
    let mut own: Vec<&str> = Vec::with_capacity(lines.len());
    let mut at = 0;
    // Whether an empty line was among those left out: sections are parted by an empty line of the text, if by any.
    let mut has_gap = false;
    while at < lines.len() {
        if !lines[at].is_own() {
            has_gap |= lines[at].is_blank();
            at += 1;
            continue;
        }
        let n = lines[at..].iter().position(|line| !line.is_own()).unwrap_or(lines.len() - at);
        let section = &lines[at..at + n];
        let end = ending::words_end(section);
        let begin = if own.is_empty() { ending::words_begin(&section[..end]) } else { 0 };
        let words =
            section[begin..end].iter().position(|line| !line.is_blank()).map(|first| &section[begin + first..end]);
        if let Some(words) = words {
            let is_apart = has_gap || section[0].is_blank();
            if is_apart && !own.is_empty() {
                own.push("");
            }
            own.extend(words.iter().map(|line| line.text));
            has_gap = false;
        }
        has_gap |= section[end..].iter().any(Line::is_blank);
        at += n;
    }
    (!own.is_empty()).then(|| own.join("\n"))
}

#[cfg(test)]
mod tests;
