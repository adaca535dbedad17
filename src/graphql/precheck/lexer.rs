//! Counts a document's lexical tokens and brackets before the parser spends memory on it.

use super::Refusal;
use crate::graphql::code::Code;

/// Brackets of any kind that may be open at once. Twelve levels of fields with arguments stay far below it, and the parser,
/// which recurses, never gets a document that could exhaust its stack.
const MAX_BRACKETS: usize = 64;

/// Refuses a document of more than `max_tokens` tokens.
///
/// What cannot be a token is counted as one and left for the parser to name.
///
/// # Errors
/// [`Code::TooManyTokens`], or [`Code::DocumentTooDeep`] for brackets within brackets.
pub(super) fn check(source: &str, max_tokens: usize) -> Result<(), Refusal> {
    let bytes = source.as_bytes();
    let (mut at, mut tokens, mut open) = (0, 0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        if matches!(byte, b' ' | b'\t' | b',' | b'\r' | b'\n') || bytes[at..].starts_with("\u{feff}".as_bytes()) {
            at += if byte == 0xef { 3 } else { 1 };
            continue;
        }
        if byte == b'#' {
            at += run(&bytes[at..], |b| b != b'\r' && b != b'\n');
            continue;
        }
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        tokens += 1;
        if tokens > max_tokens {
            let message = format!("The document has more than {max_tokens} lexical tokens.");
            return Err(Refusal::over(Code::TooManyTokens, max_tokens, message));
        }
        if open > MAX_BRACKETS {
            let message = format!("The document has more than {MAX_BRACKETS} brackets within brackets.");
            return Err(Refusal::over(Code::DocumentTooDeep, MAX_BRACKETS, message));
        }
        at += token_len(&bytes[at..]);
    }
    Ok(())
}

/// The length in bytes of the token `rest` starts with; at least one.
fn token_len(rest: &[u8]) -> usize {
    match rest[0] {
        b'"' if rest.starts_with(b"\"\"\"") => block_string_len(rest),
        b'"' => string_len(rest),
        b'.' if rest.starts_with(b"...") => 3,
        b'-' | b'0'..=b'9' => number_len(rest),
        b if b == b'_' || b.is_ascii_alphabetic() => run(rest, |b| b == b'_' || b.is_ascii_alphanumeric()),
        _ => 1,
    }
}

fn run(bytes: &[u8], wanted: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| wanted(**byte)).count()
}

/// Exactly one number: `1-1` is two to the parser, so it must be two here.
fn number_len(rest: &[u8]) -> usize {
    let digits = |from: usize| run(&rest[from..], |b| b.is_ascii_digit());
    let at = |at: usize| rest.get(at).copied().unwrap_or_default();
    let mut len = usize::from(rest[0] == b'-');
    len += digits(len);
    if at(len) == b'.' && at(len + 1).is_ascii_digit() {
        len += 1 + digits(len + 1);
    }
    if matches!(at(len), b'e' | b'E') {
        let sign = usize::from(matches!(at(len + 1), b'+' | b'-'));
        if at(len + 1 + sign).is_ascii_digit() {
            len += 1 + sign + digits(len + 1 + sign);
        }
    }
    len.max(1)
}

fn string_len(rest: &[u8]) -> usize {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            b'\r' | b'\n' => return at,
            _ => at += 1,
        }
    }
    rest.len()
}

fn block_string_len(rest: &[u8]) -> usize {
    let mut at = 3;
    while at < rest.len() {
        if rest[at..].starts_with(b"\\\"\"\"") {
            at += 4;
        } else if rest[at..].starts_with(b"\"\"\"") {
            return at + 3;
        } else {
            at += 1;
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(source: &str) -> usize {
        (0..100).find(|max| check(source, *max).is_ok()).unwrap()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_counts_them() {
        for (source, tokens) in [
            ("", 0),
            ("\u{feff} ,\t\r\n# a comment { } \"", 0),
            ("{ a }", 3),
            ("{a,b,c}", 5),
            ("query Q($a: Int! = 1) @x { ...F }", 17),
            (r#"{ a(b: "x } \" y") }"#, 8),
            ("{ a(b: \"\"\" { \\\"\"\" } \"\"\") }", 8),
            (r#"{ a(b: ["" "" """"""]) }"#, 12),
            ("[1-1-2.5e-3 -4E5]", 6),
            ("{ a }\n#x\r{ b }", 6),
            ("\"never ends", 1),
            ("\"\"\"never ends", 1),
            ("\"ends with a backslash\\", 1),
            ("é", 2),
        ] {
            assert_eq!(count(source), tokens, "{source:?}");
        }
    }

    #[test]
    fn brackets_are_bounded() {
        let refusal = check(&"[".repeat(1_000), 4_000).unwrap_err();
        assert_eq!(refusal.code, Code::DocumentTooDeep);
        check(&"[]".repeat(1_000), 4_000).unwrap();
    }
}
