//! HTML to text, in one pass.
//!
//! Mail HTML is hostile: a tree builder is quadratic in nesting (20,000 nested elements take seconds) and its node count
//! can be multiplied by unclosed formatting elements. Text needs no tree, so none is built: time and memory are linear in
//! the input, whatever the input is.

use std::borrow::Cow;

use mail_parser::decoders::html::add_html_token;

use super::{reply::Marker, text};
use hidden::Hidden;

mod hidden;

/// Elements whose content is not markup, and is not shown.
const RAW: [&str; 8] = ["iframe", "noembed", "noframes", "script", "style", "template", "textarea", "title"];
/// Elements that begin and end a line.
const BLOCKS: [&str; 42] = [
    "address",
    "article",
    "aside",
    "body",
    "caption",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "frameset",
    "head",
    "header",
    "hgroup",
    "html",
    "legend",
    "listing",
    "main",
    "menu",
    "nav",
    "ol",
    "optgroup",
    "option",
    "section",
    "summary",
    "table",
    "tbody",
    "tfoot",
    "thead",
    "tr",
    "ul",
    "xmp",
    "plaintext",
    "search",
];
/// Elements with an empty line around them.
const PARAGRAPHS: [&str; 10] = ["blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "p", "pre"];
/// The most lists that are counted in each other.
const MAX_LISTS: usize = 100;
/// The most text kept of images, in bytes.
const MAX_ALTERNATIVE: usize = 10_000;

/// The readable text of an HTML document or fragment, at most `max_bytes` of it (plus what one chunk of text adds).
///
/// Blocks become lines, list items get a star or their number, cells are parted by blanks. Links are their texts: addresses
/// that count clicks would drown them. Scripts, styles, comments and what is styled to be invisible go; so does what senders
/// pad a preview with.
pub(super) fn to_text(html: &str, max_bytes: usize) -> String {
    read(html, max_bytes, Text::default())
}

/// As [`to_text`], with the marks by which `reply` tells the author's words from others'.
pub(super) fn to_marked_text(html: &str, max_bytes: usize) -> String {
    read(html, max_bytes, Text { marker: Some(Marker::default()), ..Text::default() })
}

fn read(html: &str, max_bytes: usize, mut text: Text) -> String {
    let mut rest = html;
    loop {
        let at = rest.find('<').unwrap_or(rest.len());
        text.push(&rest[..at]);
        if text.out.len() >= max_bytes {
            return text.out;
        }
        rest = &rest[at..];
        if !rest.is_empty() {
            rest = markup(rest, &mut text);
        } else if let Some(hidden) = text.hidden.take() {
            // It never ends: someone forgot to close it, and to lose all that follows would be worse than to show it.
            text.hides_nothing = true;
            rest = &html[html.len() - hidden.n_bytes_from..];
        } else {
            return if text.has_words { text.out } else { text.alternative };
        }
    }
}

/// Whether a text is meant as HTML: Calendar descriptions may be either, and nothing says which.
pub(super) fn is_html(text: &str) -> bool {
    text.split('<').skip(1).any(|after| {
        let after = after.strip_prefix('/').unwrap_or(after);
        let name = tag_name(after);
        let known = ["a", "b", "br", "div", "em", "html", "i", "li", "ol", "p", "span", "strong", "u", "ul"];
        // `<a@example.com>` is an address.
        let ends = |tail: &str| tail.starts_with(|char: char| char.is_whitespace() || "/>".contains(char));
        known.iter().any(|tag| name.eq_ignore_ascii_case(tag)) && ends(&after[name.len()..]) && after.contains('>')
    })
}

/// The charset that a document names at its beginning, as in `<meta charset=...>`; empty when it names none.
pub(super) fn charset(html: &[u8]) -> String {
    // As far as browsers look.
    let head = html[..html.len().min(1024)].to_ascii_lowercase();
    let head = String::from_utf8_lossy(&head);
    let named = head.find("<meta").and_then(|at| head[at..].split_once("charset="));
    let label = named.map_or("", |(_, label)| label.trim_start_matches(['"', '\'', ' ']));
    label.chars().take_while(|char| char.is_ascii_alphanumeric() || "-_:.".contains(*char)).collect()
}

/// Reads what stands at a `<` and returns what follows it.
fn markup<'x>(html: &'x str, text: &mut Text) -> &'x str {
    if html.starts_with("<!--") {
        return after(html, "-->");
    }
    let closes = html[1..].starts_with('/');
    // Comments of browsers' making, as in `</ >` and `</>`.
    let is_bogus = closes && html.len() > 2 && !html[2..].starts_with(|char: char| char.is_ascii_alphabetic());
    if is_bogus || html.starts_with("<!") || html.starts_with("<?") {
        return after(html, ">");
    }
    let name = tag_name(&html[1 + usize::from(closes)..]);
    if !name.starts_with(|char: char| char.is_ascii_alphabetic()) {
        text.push("<");
        return &html[1..];
    }
    let (tag, rest) = html.split_at(tag_end(html));
    let name = name.to_ascii_lowercase();
    if !closes && RAW.contains(&name.as_str()) {
        return skip_raw(rest, &name);
    }
    if text.is_shown_after(&name, closes) {
        let opens = !closes && !text.hides_nothing;
        let hidden = opens.then(|| Hidden::opened_by(&name, tag, html.len())).flatten();
        match hidden {
            Some(_) => text.hidden = hidden,
            None => {
                if let Some(marker) = &mut text.marker {
                    marker.mark(&name, closes, tag, &mut text.out);
                }
                text.tag(&name, closes, tag);
            }
        }
    }
    rest
}

/// The attributes of a tag, in their order; one without a value has an empty one.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag.trim_start_matches(['<', '/']).trim_start_matches(|char: char| !char.is_whitespace());
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || char == '/');
        let end = rest.find(|char: char| char.is_whitespace() || "=>".contains(char))?;
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=').map(str::trim_start) else {
            rest = if name.is_empty() { after.get(1..).unwrap_or_default() } else { after };
            return Some((name, ""));
        };
        let quote = value.chars().next().filter(|char| matches!(char, '"' | '\''));
        let (value, after) = match quote {
            Some(quote) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            None => value.split_at(value.find(|char: char| char.is_whitespace() || char == '>').unwrap_or(value.len())),
        };
        rest = after;
        Some((name, value))
    })
}

/// What follows the first `end`; nothing when there is none, as in a browser.
pub(super) fn after<'x>(html: &'x str, end: &str) -> &'x str {
    html.find(end).map_or("", |at| &html[at + end.len()..])
}

pub(super) fn tag_name(html: &str) -> &str {
    let end = html.bytes().take(32).position(|byte| !byte.is_ascii_alphanumeric());
    // All bytes before `end` are ASCII, so it lies on a character's border; a longer name is no element we know.
    end.map_or("", |end| &html[..end])
}

/// Where the tag that starts here ends. A `>` inside a quoted attribute value does not end it.
pub(super) fn tag_end(html: &str) -> usize {
    let mut quote = None;
    let mut value_next = false;
    for (at, byte) in html.bytes().enumerate() {
        match (quote, byte) {
            (Some(open), _) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if value_next => quote = Some(byte),
            (None, b'>') => return at + 1,
            (None, _) => {}
        }
        value_next = byte == b'=' || (value_next && byte.is_ascii_whitespace());
    }
    html.len()
}

/// What follows the closing tag of an element whose content is not markup.
pub(super) fn skip_raw<'x>(html: &'x str, name: &str) -> &'x str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if tag_name(rest).eq_ignore_ascii_case(name) {
            return after(rest, ">");
        }
    }
    ""
}

/// A text with its entities decoded.
pub(super) fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        decoded.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest entity name has 31 characters.
        let end = rest.bytes().take(33).position(|byte| byte == b';').map_or(1, |at| at + 1);
        add_html_token(&mut decoded, &rest.as_bytes()[..end], false);
        rest = &rest[end..];
    }
    decoded.push_str(rest);
    decoded.into()
}

/// The text so far, and the white space that is due before the next word.
#[derive(Default)]
struct Text {
    out: String,
    /// Whether there is a word in it, besides marks.
    has_words: bool,
    marker: Option<Marker>,
    /// What stands for images, in case that there is nothing else.
    alternative: String,
    /// Line ends due, at most two.
    lines: usize,
    /// Whether a blank is due.
    blank: bool,
    /// How many `pre` elements are open: in them, white space counts.
    pre: usize,
    /// The lists that are open, each with the number of its next item, if it has numbers.
    lists: Vec<Option<u32>>,
    hidden: Option<Hidden>,
    /// Whether an element that was to be passed over never ended.
    hides_nothing: bool,
}

fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name) || PARAGRAPHS.contains(&name) || name == "li"
}

impl Text {
    /// Whether a tag is to be looked at: it is, unless it lies inside of what is passed over, or ends that.
    fn is_shown_after(&mut self, name: &str, closes: bool) -> bool {
        let Some(hidden) = &mut self.hidden else { return true };
        let (is_over, is_shown) = hidden.follow(name, closes);
        if is_over {
            self.hidden = None;
        }
        is_shown
    }

    fn tag(&mut self, name: &str, closes: bool, tag: &str) {
        match name {
            "br" => self.lines = (self.lines + 1).min(2),
            "pre" => {
                self.lines = 2;
                self.pre = if closes { self.pre.saturating_sub(1) } else { self.pre + 1 };
            }
            "li" => self.item(closes),
            "td" | "th" => self.blank = true,
            "ol" | "ul" => {
                self.lines = self.lines.max(1);
                self.list(name == "ol", closes, tag);
            }
            "img" if !self.has_words && self.alternative.len() < MAX_ALTERNATIVE => self.image(tag),
            _ if PARAGRAPHS.contains(&name) => self.lines = 2,
            _ if BLOCKS.contains(&name) => self.lines = self.lines.max(1),
            _ => {}
        }
    }

    fn item(&mut self, closes: bool) {
        self.lines = self.lines.max(1);
        if closes {
            return;
        }
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let label = format!("{number}.");
                *number = number.saturating_add(1);
                label.chars().for_each(|char| self.word_char(char));
            }
            _ => self.word_char('*'),
        }
        self.blank = true;
    }

    fn list(&mut self, has_numbers: bool, closes: bool, tag: &str) {
        if closes {
            self.lists.pop();
        } else if self.lists.len() < MAX_LISTS {
            let start = attributes(tag).find(|(name, _)| name.eq_ignore_ascii_case("start"));
            let start = start.and_then(|(_, value)| value.trim().parse().ok());
            self.lists.push(has_numbers.then(|| start.unwrap_or(1)));
        }
    }

    fn image(&mut self, tag: &str) {
        let named = attributes(tag).find(|(name, _)| name.eq_ignore_ascii_case("alt"));
        let mut alternative = Self::default();
        alternative.push(named.map(|(_, value)| value).unwrap_or_default());
        if !alternative.out.is_empty() {
            self.alternative.push_str(if self.alternative.is_empty() { "" } else { "\n" });
            self.alternative.push_str(&alternative.out);
        }
    }

    fn push(&mut self, chunk: &str) {
        if self.hidden.is_none() {
            self.words(&decode(chunk));
        }
    }

    fn words(&mut self, text: &str) {
        for char in text.chars() {
            if self.pre > 0 && char == '\n' {
                self.lines = (self.lines + 1).min(2);
            } else if char.is_whitespace() {
                self.blank = true;
            } else if !text::PADDING.contains(&char) {
                self.word_char(char);
            }
        }
    }

    fn word_char(&mut self, char: char) {
        let (lines, blank) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.blank));
        if std::mem::replace(&mut self.has_words, true) {
            match lines {
                0 if blank => self.out.push(' '),
                0 => {}
                1 => self.out.push('\n'),
                _ => self.out.push_str("\n\n"),
            }
        }
        self.out.push(char);
    }
}

#[cfg(test)]
mod tests;
