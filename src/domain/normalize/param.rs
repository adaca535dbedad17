//! Values with parameters, as those of Content-Type and Content-Disposition (RFC 2045, 5.1; RFC 2231).

use std::collections::BTreeMap;

use super::{charset::Charset, header};

/// The most parameters read of one value, pieces counted.
const MAX_PARAMETERS: usize = 200;

/// A value like `text/plain; charset=utf-8` or `attachment; filename=x`. Its words are in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Value {
    /// What stands before the slash.
    pub(super) kind: String,
    /// What stands behind it; empty where there is none.
    pub(super) subtype: String,
    parameters: Vec<(String, String)>,
}

/// What is given of one parameter, under its plain name.
#[derive(Default)]
struct Given {
    plain: Option<String>,
    /// Pieces by their number, and whether they are percent-encoded.
    pieces: BTreeMap<u32, (String, bool)>,
}

impl Value {
    /// Reads a value; bytes that are neither ASCII nor UTF-8 are guessed.
    pub(super) fn read(raw: &[u8]) -> Self {
        let text = header::unfold(raw, None);
        let word = |text: &str| text.trim().trim_matches('"').to_ascii_lowercase();
        let head = text.find([';', '=']).map_or(&*text, |end| &text[..end]);
        // Where the semicolon is missing, a blank ends the head.
        let head = head.trim_start().split([' ', '\t', '(']).next().unwrap_or_default();
        let (kind, subtype) = head.split_once('/').unwrap_or((head, ""));
        let at = text.find(head).map_or(0, |at| at + head.len());
        Self { kind: word(kind), subtype: word(subtype), parameters: parameters(&text[at..]) }
    }

    /// The same, of type `text/plain` where it names no type (RFC 2045, 5.2).
    pub(super) fn or_plain(self) -> Self {
        match self.subtype.is_empty() {
            true => Self { kind: "text".to_owned(), subtype: "plain".to_owned(), ..self },
            false => self,
        }
    }

    /// The value of a parameter, where it says anything.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let named = self.parameters.iter().find(|(own, _)| own == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

fn parameters(mut rest: &str) -> Vec<(String, String)> {
    let mut given: Vec<(String, Given)> = Vec::new();
    for _ in 0..MAX_PARAMETERS {
        let Some((name, value, after)) = next(rest) else { break };
        rest = after;
        // `filename*0*=`: a piece, percent-encoded.
        let mut marks = name.split('*');
        let base = marks.next().unwrap_or_default().to_ascii_lowercase();
        let (number, is_encoded) = match (marks.next(), marks.next()) {
            (None, _) => (None, false),
            (Some(""), _) => (Some(0), true),
            (Some(number), last) => (number.parse().ok(), last.is_some()),
        };
        let known = given.iter().position(|(own, _)| *own == base).unwrap_or_else(|| {
            given.push((base, Given::default()));
            given.len() - 1
        });
        let known = &mut given[known].1;
        match number {
            Some(number) => drop(known.pieces.entry(number).or_insert((value, is_encoded))),
            None => known.plain = known.plain.take().or(Some(value)),
        }
    }
    given.into_iter().map(|(name, given)| (name, given.value())).collect()
}

/// The first `name=value`, and what follows it.
fn next(text: &str) -> Option<(&str, String, &str)> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|char: char| char.is_whitespace() || ";,=\"".contains(char));
        let end = rest.find(|char: char| char.is_whitespace() || ";=".contains(char))?;
        let (name, after) = rest.split_at(end);
        let Some(value) = after.trim_start().strip_prefix('=') else {
            rest = after;
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.strip_prefix('"') {
            Some(quoted) => quoted_string(quoted),
            None => {
                let (value, after) = value.split_at(value.find(';').unwrap_or(value.len()));
                let comment = value.find(" (").unwrap_or(value.len());
                (value[..comment].trim_end().to_owned(), after)
            }
        };
        return Some((name, value, after));
    }
}

/// What stands up to the closing quote, and what follows it. A backslash quotes what must be quoted; before other characters
/// it belongs to a path.
fn quoted_string(text: &str) -> (String, &str) {
    let mut out = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return (out, &text[at + 1..]),
            '\\' if matches!(chars.peek(), Some((_, '"' | '\\'))) => out.extend(chars.next().map(|(_, char)| char)),
            _ => out.push(char),
        }
    }
    (out, "")
}

impl Given {
    fn value(self) -> String {
        let Some(&(_, is_encoded)) = self.pieces.get(&0) else {
            return header::words(&self.plain.unwrap_or_default());
        };
        let mut bytes = Vec::new();
        let mut charset = String::new();
        for (number, (piece, is_encoded)) in self.pieces {
            let piece = match piece.splitn(3, '\'').collect::<Vec<_>>().as_slice() {
                [label, _, text] if number == 0 && is_encoded => {
                    charset = (*label).to_owned();
                    (*text).to_owned()
                }
                _ => piece,
            };
            bytes.extend(if is_encoded {
                percent_encoding::percent_decode_str(&piece).collect()
            } else {
                piece.into_bytes()
            });
        }
        match is_encoded {
            true => Charset::decode(bytes.into(), &charset),
            // Encoded words have no place here, and stand here.
            false => header::words(&String::from_utf8_lossy(&bytes)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn parameters_are_read_in_every_form() {
        for (raw, name, value) in [
            ("text/plain; charset=UTF-8", "charset", "UTF-8"),
            ("text/plain; Charset = \"utf-8\" ; x=y", "charset", "utf-8"),
            ("text/plain; charset=us-ascii (Plain text)", "charset", "us-ascii"),
            ("multipart/mixed\r\n\tboundary=\"a;b\"", "boundary", "a;b"),
            ("multipart/mixed; boundary=\r\n \"a b\"", "boundary", "a b"),
            ("a/b; name=My File.pdf; x=y", "name", "My File.pdf"),
            ("a/b; name=\"C:\\TEMP\\x \\\"1\\\".png\"", "name", "C:\\TEMP\\x \"1\".png"),
            ("a/b; name=\"=?utf-8?q?R=C3=A9?=\r\n =?utf-8?q?sum=C3=A9?=\"", "name", "Résumé"),
            ("a/b; name*=utf-8'en'R%C3%A9; name=x", "name", "Ré"),
            ("a/b; name*1*=%A9; name*0*=utf-8''R%C3; name*2=\".%41\"", "name", "Ré.%41"),
            ("a/b; name*0=\"one \"; name*1=two", "name", "one two"),
            ("a/b; name*=iso-8859-1''%E9", "name", "é"),
            ("a/b; name=first; name=second", "name", "first"),
            ("a/b;;; x; =; name=\"open", "name", "open"),
        ] {
            assert_eq!(Value::read(raw.as_bytes()).get(name), Some(value), "{raw}");
        }
        let value = Value::read(b" Text/HTML;x");
        assert_eq!((&*value.kind, &*value.subtype, value.get("x")), ("text", "html", None));
        assert_eq!(Value::read(b"a/b; name=gr\xfcn").get("name"), Some("grün"));
        assert_eq!(Value::read(b"").kind, "");
    }

    #[test]
    fn hostile_values_take_linear_time() {
        let start = Instant::now();
        for unit in [";", "a=b;", "\"", "\\", "a*0=b;", "=", "a ", "'", "(", "a=\"b\""] {
            Value::read(unit.repeat(500_000 / unit.len()).as_bytes());
        }
        assert!(start.elapsed().as_secs() < 10);
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_value(raw in "([;=*\"\\\\'/ (]|0|name|utf-8|%C3|é|=[?]utf-8[?]q[?]|.){0,40}") {
            Value::read(raw.as_bytes());
        }
    }
}
