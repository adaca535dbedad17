//! HTML to text, in one pass.
//!
//! Mail HTML is hostile: a tree builder is quadratic in nesting (20,000 nested elements take seconds) and its node count
//! can be multiplied by unclosed formatting elements. Text needs no tree, so none is built: time and memory are linear in
//! the input, whatever the input is.

use mail_parser::decoders::html::add_html_token;

/// The readable text of an HTML document or fragment, at most `max_bytes` of it (plus what one chunk of text adds).
///
/// Blocks become lines, list items get a star, cells are parted by blanks; scripts, styles and comments go.
pub(super) fn to_text(html: &str, max_bytes: usize) -> String {
    let mut text = Text::default();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        text.push(&rest[..at]);
        if text.out.len() >= max_bytes {
            return text.out;
        }
        rest = markup(&rest[at..], &mut text);
    }
    text.push(rest);
    text.out
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

/// Reads what stands at a `<` and returns what follows it.
fn markup<'x>(html: &'x str, text: &mut Text) -> &'x str {
    if html.starts_with("<!--") {
        return after(html, "-->");
    }
    if html.starts_with("<!") || html.starts_with("<?") {
        return after(html, ">");
    }
    let closes = html[1..].starts_with('/');
    let name = tag_name(&html[1 + usize::from(closes)..]);
    if !name.starts_with(|char: char| char.is_ascii_alphabetic()) {
        text.push("<");
        return &html[1..];
    }
    let rest = &html[tag_end(html)..];
    let name = name.to_ascii_lowercase();
    if !closes && matches!(name.as_str(), "script" | "style" | "title" | "template") {
        return skip_raw(rest, &name);
    }
    text.tag(&name, closes);
    rest
}

/// What follows the first `end`; nothing when there is none, as in a browser.
fn after<'x>(html: &'x str, end: &str) -> &'x str {
    html.find(end).map_or("", |at| &html[at + end.len()..])
}

fn tag_name(html: &str) -> &str {
    let end = html.bytes().take(32).position(|byte| !byte.is_ascii_alphanumeric());
    // All bytes before `end` are ASCII, so it lies on a character's border; a longer name is no element we know.
    end.map_or("", |end| &html[..end])
}

/// Where the tag that starts here ends. A `>` inside a quoted attribute value does not end it.
fn tag_end(html: &str) -> usize {
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
fn skip_raw<'x>(html: &'x str, name: &str) -> &'x str {
    let mut rest = html;
    while let Some(at) = rest.find("</") {
        rest = &rest[at + 2..];
        if tag_name(rest).eq_ignore_ascii_case(name) {
            return after(rest, ">");
        }
    }
    ""
}

/// The text so far, and the white space that is due before the next word.
#[derive(Default)]
struct Text {
    out: String,
    /// Line ends due, at most two.
    lines: usize,
    /// Whether a blank is due.
    blank: bool,
    /// How many `pre` elements are open: in them, white space counts.
    pre: usize,
}

impl Text {
    fn tag(&mut self, name: &str, closes: bool) {
        match name {
            "br" => self.lines = (self.lines + 1).min(2),
            "p" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "blockquote" | "hr" => self.lines = 2,
            "pre" => {
                self.lines = 2;
                self.pre = if closes { self.pre.saturating_sub(1) } else { self.pre + 1 };
            }
            "li" => {
                self.lines = self.lines.max(1);
                if !closes {
                    self.word_char('*');
                    self.blank = true;
                }
            }
            "address" | "article" | "aside" | "body" | "caption" | "center" | "dd" | "div" | "dl" | "dt"
            | "fieldset" | "figcaption" | "figure" | "footer" | "form" | "head" | "header" | "main" | "nav" | "ol"
            | "option" | "section" | "table" | "tr" | "ul" => self.lines = self.lines.max(1),
            "td" | "th" => self.blank = true,
            _ => {}
        }
    }

    fn push(&mut self, chunk: &str) {
        let mut rest = chunk;
        while let Some(at) = rest.find('&') {
            self.words(&rest[..at]);
            rest = &rest[at..];
            // The longest entity name has 31 characters.
            let end = rest.bytes().take(33).position(|byte| byte == b';').map_or(1, |at| at + 1);
            let mut decoded = String::new();
            add_html_token(&mut decoded, &rest.as_bytes()[..end], false);
            self.words(&decoded);
            rest = &rest[end..];
        }
        self.words(rest);
    }

    fn words(&mut self, text: &str) {
        for char in text.chars() {
            if self.pre > 0 && char == '\n' {
                self.lines = (self.lines + 1).min(2);
            } else if char.is_whitespace() {
                self.blank = true;
            } else {
                self.word_char(char);
            }
        }
    }

    fn word_char(&mut self, char: char) {
        let (lines, blank) = (std::mem::take(&mut self.lines), std::mem::take(&mut self.blank));
        if !self.out.is_empty() {
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
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_becomes_readable_text() {
        for (html, text) in [
            ("<p>Hello <b>you</b>,</p><p>bye", "Hello you,\n\nbye"),
            ("a<br>b<br/><br />c", "a\nb\n\nc"),
            ("<ul><li>one<li>two</ul>x", "* one\n* two\nx"),
            ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\nc"),
            ("<style>p{}</style><script>if (a </b) </script>x<!-- <p> -->y", "xy"),
            ("<a title=\"a > b\" href='x'>link</a>", "link"),
            ("a &amp; b &lt;c&gt; &#x41;&#66; &nbsp; &nosuch; &", "a & b <c> AB &nosuch; &"),
            ("1 < 2 and 3 <4", "1 < 2 and 3 <4"),
            ("<pre>a\nb</pre>", "a\nb"),
            ("<script>never closed", ""),
            ("<TITLE>x</TITLE><BODY>y", "y"),
        ] {
            assert_eq!(to_text(html, 1000), text, "{html}");
        }
    }

    #[test]
    fn a_description_says_by_its_tags_that_it_is_html() {
        assert!(is_html("see <a href=\"x\">this</a>") && is_html("a<br>b"));
        assert!(!is_html("a < b > c") && !is_html("<ada@example.com>, <a@example.com>") && !is_html("if a <b"));
    }

    #[test]
    fn hostile_html_takes_linear_time() {
        let start = Instant::now();
        for unit in ["<div>", "<font a=1>", "</", "<!--", "<script>", "</script", "&", "&#", "<a b='", "<p"] {
            to_text(&unit.repeat(300_000 / unit.len()), 1 << 20);
        }
        // Three megabytes in all; a quadratic path would take minutes.
        assert!(start.elapsed().as_secs() < 10);
    }

    proptest! {
        #[test]
        fn any_input_is_read(html in "(<|>|&|;|/|-|!|\"|=|p|pre|script|style| |é|\u{0}|.){0,60}") {
            to_text(&html, 1000);
            is_html(&html);
        }
    }
}
