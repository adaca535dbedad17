//! The header section of a message or of a part: its fields as they were written, and what words in them say.

use std::borrow::Cow;

use mail_parser::HeaderName;

use super::{charset::Charset, transfer};

/// The longest header section, in bytes. Providers accept far less.
const MAX_BYTES: usize = 1 << 20;
/// The longest name of a field. What has no colon within it is no field.
const MAX_NAME: usize = 200;
/// The longest name of a charset in an encoded word.
const MAX_CHARSET: usize = 60;

/// One header field, not yet decoded.
pub(super) struct Field<'x> {
    pub(super) name: HeaderName<'x>,
    /// What follows the colon, folds included.
    pub(super) value: &'x [u8],
}

/// The fields at the start of a message or part, and what follows the empty line after them.
///
/// A line that is no field and continues none is left out when a well-known field follows it, as after the `From ` line of
/// an mbox. Else the text begins with it: someone forgot the empty line.
pub(super) fn split(section: &[u8]) -> (Vec<Field<'_>>, &[u8]) {
    let (mut fields, mut at) = (Vec::new(), 0);
    while at < section.len().min(MAX_BYTES) {
        let line = line_at(section, at);
        if is_empty(line) {
            return (fields, &section[at + line.len()..]);
        }
        let end = at + line.len() + folds(&section[at + line.len()..]);
        match field(&section[at..end]) {
            Some(field) => fields.push(field),
            None if line.starts_with(b" ") || line.starts_with(b"\t") => {}
            None if is_known_field(&section[end..]) => {}
            None => return (fields, &section[at..]),
        }
        at = end;
    }
    (fields, &section[at..])
}

fn line_at(section: &[u8], at: usize) -> &[u8] {
    let rest = &section[at..];
    &rest[..rest.iter().position(|&byte| byte == b'\n').map_or(rest.len(), |end| end + 1)]
}

fn is_empty(line: &[u8]) -> bool {
    matches!(line, b"\n" | b"\r\n")
}

/// How many bytes the lines have that continue the field before them.
fn folds(rest: &[u8]) -> usize {
    let mut at = 0;
    while let Some(b' ' | b'\t') = rest.get(at) {
        at += line_at(rest, at).len();
    }
    at
}

/// `Name: value`. Blanks before the colon are an old way to write (RFC 5322, 4.5); inside the name they are none.
fn field(line: &[u8]) -> Option<Field<'_>> {
    let colon = line.iter().take(MAX_NAME).position(|&byte| byte == b':')?;
    let name = line[..colon].trim_ascii_end();
    let is_name = !name.is_empty() && name.iter().all(|byte| byte.is_ascii_graphic());
    let name = std::str::from_utf8(name).ok().filter(|_| is_name)?;
    let known = HeaderName::parse(name);
    Some(Field { name: known.unwrap_or(HeaderName::Other(name.into())), value: &line[colon + 1..] })
}

fn is_known_field(rest: &[u8]) -> bool {
    let field = field(line_at(rest, 0));
    field.is_some_and(|field| match field.name {
        HeaderName::Other(name) => name.get(..2).is_some_and(|start| start.eq_ignore_ascii_case("x-")),
        _ => true,
    })
}

/// The value on one line, decoded, with its encoded words still in it. Bytes that are neither ASCII nor UTF-8 (RFC 6532) are
/// in `charset`, or guessed.
pub(super) fn unfold(value: &[u8], charset: Option<Charset>) -> String {
    let bytes: Cow<'_, [u8]> = match value.iter().any(|&byte| byte == b'\r' || byte == b'\n') {
        true => value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect::<Vec<_>>().into(),
        false => value.into(),
    };
    Charset::decode_header(bytes, charset)
}

/// A text with its encoded words (RFC 2047) decoded. White space between two of them goes, and a character may be cut
/// between them. What is no encoded word stays as it is.
pub(super) fn words(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut open, mut rest): (Option<Word<'_>>, _) = (None, text);
    while let Some((between, word, after)) = next_word(rest) {
        let is_adjacent = open.is_some() && between.trim().is_empty();
        open = Some(match open {
            Some(last) if is_adjacent && last.goes_on_in(&word) => last.followed_by(word),
            last => {
                out.extend(last.map(Word::text));
                out.push_str(if is_adjacent { "" } else { between });
                word
            }
        });
        rest = after;
    }
    out.extend(open.map(Word::text));
    out.push_str(rest);
    out
}

/// One encoded word, or several that belong together.
struct Word<'x> {
    charset: &'x str,
    bytes: Vec<u8>,
}

impl Word<'_> {
    /// Charsets that shift begin anew in each word.
    fn goes_on_in(&self, next: &Self) -> bool {
        let shifts = self.charset.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("iso-2022"));
        !shifts && self.charset.eq_ignore_ascii_case(next.charset)
    }

    fn followed_by(mut self, other: Self) -> Self {
        self.bytes.extend(other.bytes);
        self
    }

    fn text(self) -> String {
        Charset::decode(self.bytes.into(), self.charset)
    }
}

/// The first encoded word, and what stands before and after it.
fn next_word(text: &str) -> Option<(&str, Word<'_>, &str)> {
    let mut at = 0;
    loop {
        let start = at + text[at..].find("=?")?;
        let inside = &text[start + 2..];
        if let Some((charset, is_base64, rest)) = word_head(inside) {
            // Where none ends here, none ends further on: to look again would take quadratic time.
            let (body, after) = rest.split_once("?=")?;
            let bytes = match is_base64 {
                true => transfer::base64(body.as_bytes()),
                false => transfer::quoted_printable(body.replace('_', " ").as_bytes()),
            };
            return Some((&text[..start], Word { charset, bytes }, after));
        }
        at = start + 2;
    }
}

/// `charset?B?` or `charset*language?Q?`, and what follows.
fn word_head(inside: &str) -> Option<(&str, bool, &str)> {
    let end = inside.bytes().take(MAX_CHARSET).position(|byte| byte == b'?')?;
    let charset = inside[..end].split('*').next().filter(|charset| !charset.contains(char::is_whitespace))?;
    let encoding = inside[end + 1..].get(..2)?;
    match encoding {
        "b?" | "B?" => Some((charset, true, &inside[end + 3..])),
        "q?" | "Q?" => Some((charset, false, &inside[end + 3..])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    fn names(section: &str) -> (Vec<String>, String) {
        let (fields, body) = split(section.as_bytes());
        let names = fields.iter().map(|field| field.name.as_str().to_owned()).collect();
        (names, String::from_utf8_lossy(body).into_owned())
    }

    #[test]
    fn a_section_ends_where_the_text_begins() {
        for (section, fields, body) in [
            ("A: 1\r\nB: 2\r\n 3\r\n\r\nx\n\ny", &["A", "B"][..], "x\n\ny"),
            ("A: 1\n \n 2\nB: 3\n\nx", &["A", "B"], "x"),
            // Forgot the empty line, or never had a header.
            ("To: a\nHello: you\nwho read this\nx", &["To", "Hello"], "who read this\nx"),
            ("just text", &[], "just text"),
            ("A: 1", &["A"], ""),
            // What other programs leave behind.
            ("From me Mon 10:00\nTo: a\n\nx", &["To"], "x"),
            ("To: a\n>From me 10:00\nX-Y: b\n\nx", &["To", "X-Y"], "x"),
            (" lost\nTo: a\n\nx", &["To"], "x"),
            ("Subject : a\n\nx", &["Subject"], "x"),
            ("Sub ject: a\nTo: b\n\nx", &["To"], "x"),
        ] {
            let expected = (fields.iter().map(|&name| name.to_owned()).collect(), body.to_owned());
            assert_eq!(names(section), expected, "{section}");
        }
    }

    #[test]
    fn encoded_words_are_read() {
        for (raw, text) in [
            ("=?iso-8859-1?Q?Gr=FC=DFe?= from =?utf-8*en?b?w7Y=?=", "Grüße from ö"),
            ("=?utf-8?q?a_b?= \t =?UTF-8?Q?c?=", "a bc"),
            // One character in two words, and in two charsets none.
            ("=?utf-8?b?w7=?= =?utf-8?b?tg?=", "ö"),
            ("=?utf-8?q?=C3?==?utf-8?q?=B6?=", "ö"),
            ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
            ("=?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?= =?ISO-2022-JP?B?GyRCJUYlOSVIGyhC?=", "テストテスト"),
            ("=?unicode-1-1-utf-7?Q?Fr+APY-sche?=", "Frösche"),
            ("=?nonsense?q?gr=C3=BCn?=", "grün"),
            ("=?utf-8?q?what??= ?=", "what? ?="),
            ("x=?utf-8?q?y?=z", "xyz"),
            ("a =?b ?= =?utf-8?x?y?= =?utf-8?q?open", "a =?b ?= =?utf-8?x?y?= =?utf-8?q?open"),
        ] {
            assert_eq!(words(raw), text, "{raw}");
        }
        let latin = unfold(b" gr\xfcn\r\n und", Charset::named("iso-8859-1"));
        assert_eq!((latin.as_str(), unfold("grün".as_bytes(), None).as_str()), (" grün und", "grün"));
    }

    #[test]
    fn hostile_headers_take_linear_time() {
        let start = Instant::now();
        for unit in ["=?", "=?utf-8?q?", "=?u?b?=?=", "a", "a:\n", "a\n", " \n", ":", "a\nTo:"] {
            let text = unit.repeat(1_000_000 / unit.len());
            words(&text);
            split(text.as_bytes());
        }
        assert!(start.elapsed().as_secs() < 20);
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(=[?]|[?]=|[?]|utf-8|b|q|=C3|é| |\n|:|To|.){0,40}") {
            words(&text);
            split(text.as_bytes());
            unfold(text.as_bytes(), None);
        }
    }
}
