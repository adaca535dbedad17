//! The headers of an older mail, repeated above its text: "From: .. Sent: .. To: .. Subject: ..", in any language.

use std::{collections::HashMap, sync::LazyLock};

use super::{
    Line,
    attribution::has_date,
    words::{HEADERS, Header},
};

/// How many lines a block of headers has at most; hundreds of recipients are on one line.
const MAX_LINES: usize = 60;
/// How many lines may stand between two headers that look like neither.
const MAX_REST: usize = 3;
/// How often headers of the same kind may come: no mail has a dozen of them.
const MAX_REPEATED: usize = 6;
/// The longest name of a header, in bytes.
const MAX_NAME: usize = 48;

static NAMES: LazyLock<HashMap<&'static str, Header>> = LazyLock::new(|| {
    let all = HEADERS.iter().rev().flat_map(|(header, names)| names.iter().map(|name| (*name, *header)));
    all.collect()
});

/// Whether a line is a header.
pub(super) fn is_one(line: &str) -> bool {
    header(line).is_some()
}

/// The header a line is, and its value. Programs set the names in bold, which becomes stars.
fn header(line: &str) -> Option<(Header, &str)> {
    // Most lines have no colon near their beginning.
    let line = line.trim_start_matches(|char: char| {
        char.is_whitespace() || matches!(char, '*' | '_' | '|' | '\u{200e}' | '\u{200f}')
    });
    let at = line.char_indices().take_while(|(at, _)| *at <= MAX_NAME).find(|(_, char)| matches!(char, ':' | '：'))?.0;
    let name = line[..at].trim_end_matches(|char: char| char.is_whitespace() || matches!(char, '*' | '_'));
    let value = line[at..]
        .trim_start_matches([':', '：'])
        .trim_matches(|char: char| char.is_whitespace() || matches!(char, '*' | '_'));
    NAMES.get(name.to_lowercase().as_str()).map(|header| (*header, value))
}

/// Where the block of headers that begins at line `first` ends; `None` when none begins there. `is_announced` says that
/// something above tells of a mail.
pub(super) fn end(lines: &[Line<'_>], first: usize, is_announced: bool) -> Option<usize> {
    header(lines[first].text)?;
    let mut found = Found::default();
    let (mut end, mut n_blank, mut n_more) = (first, 0, 0);
    for (at, line) in lines.iter().enumerate().skip(first).take(MAX_LINES).take_while(|(_, line)| !line.is_quoted) {
        let line = line.text;
        if line.trim().is_empty() {
            // Paragraphs of HTML have empty lines between them.
            n_blank += 1;
            if n_blank > 1 {
                break;
            }
        } else if let Some((header, value)) = header(line) {
            found.add(header, value);
            (end, n_blank, n_more) = (at + 1, 0, 0);
            if found.n_repeated > MAX_REPEATED {
                break;
            }
        } else if n_blank == 0 && continues(line, found.last) {
            (end, n_more) = (at + 1, 0);
        } else if n_blank == 0 && n_more < MAX_REST && found.is_of_people() {
            // The rest of a wrapped list of names, when another header follows.
            n_more += 1;
        } else {
            break;
        }
    }
    found.is_mail(is_announced).then_some(end)
}

/// Whether a line carries the header above it on.
fn continues(line: &str, above: Option<(Header, bool)>) -> bool {
    let Some((header, is_empty)) = above else { return false };
    let is_address = || line.contains(['@', ';', '<']) || line.contains('/') && line.contains(',');
    is_empty || line.starts_with([' ', '\t']) || (is_of_people(header) && is_address())
}

fn is_of_people(header: Header) -> bool {
    matches!(header, Header::From | Header::To | Header::Copy)
}

/// What a block has shown so far.
#[derive(Default)]
struct Found {
    kinds: Vec<Header>,
    n_repeated: usize,
    has_address: bool,
    has_date: bool,
    /// The last header, and whether it had no value.
    last: Option<(Header, bool)>,
}

impl Found {
    fn add(&mut self, header: Header, value: &str) {
        if self.kinds.contains(&header) {
            self.n_repeated += 1;
        } else {
            self.kinds.push(header);
        }
        self.has_address |= value.contains('@');
        self.has_date |= has_date(value);
        self.last = Some((header, value.is_empty()));
    }

    fn is_of_people(&self) -> bool {
        self.last.is_some_and(|(header, _)| is_of_people(header))
    }

    /// Whether these are a mail's headers and not, say, the stations of a journey. `is_announced` says that a line above
    /// tells of a mail; without it, there must be a date or copies, which people who make up examples leave
    /// out.
    fn is_mail(&self, is_announced: bool) -> bool {
        let has = |header| self.kinds.contains(&header);
        let n_certain = self.kinds.iter().filter(|header| **header != Header::Other).count();
        let is_dated = has(Header::Date) || self.has_date;
        let is_whole = n_certain >= 3 && has(Header::Subject) && (has(Header::From) || has(Header::To));
        let is_short = n_certain >= 2
            && (has(Header::From) || is_dated && has(Header::To))
            && (self.has_address || is_dated && has(Header::Subject));
        (is_announced || is_dated || has(Header::Copy)) && (is_whole || is_short)
    }
}

/// Where a block in no language we know ends, below a line that parts it from the reply: three lines of a name, a colon and a
/// value, with an address or a date among them.
pub(super) fn end_of_any(lines: &[Line<'_>], first: usize) -> Option<usize> {
    let is_like_one = |line: &&str| {
        let name = line.split([':', '：']).next().unwrap_or_default().trim();
        name.len() < line.trim_end().len()
            && !name.is_empty()
            && name.len() <= MAX_NAME
            && name.split_whitespace().count() <= 3
            && !name.contains(['.', ',', '/'])
    };
    let texts = lines[first..].iter().take_while(|line| !line.is_quoted).map(|line| line.text);
    let block = texts.take_while(is_like_one).take(MAX_LINES);
    let (n, is_dated) =
        block.fold((0, false), |(n, dated), line| (n + 1, dated || line.contains('@') || has_date(line)));
    (n >= 3 && is_dated).then_some(first + n)
}
