//! Text as it may be stored and shown: no NUL, no control characters, bounded.

/// The most text kept of one interaction, in bytes.
pub(super) const BODY_BYTES: usize = 1 << 20;
/// Invisible characters with which newsletters pad what mail clients preview; they would push the words out of it.
pub(super) const PADDING: [char; 5] = ['\u{00ad}', '\u{034f}', '\u{200b}', '\u{2060}', '\u{feff}'];
/// The most characters of a snippet.
const SNIPPET_CHARS: usize = 200;

/// Text of several lines: line ends become `\n`, control characters go, and so does what exceeds `max_bytes`.
pub(super) fn clean(text: &str, max_bytes: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_bytes));
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        let char = match char {
            '\r' if chars.peek() == Some(&'\n') => continue,
            '\r' => '\n',
            '\n' | '\t' => char,
            _ if char.is_control() => continue,
            _ => char,
        };
        if out.len() + char.len_utf8() > max_bytes {
            break;
        }
        out.push(char);
    }
    out.truncate(out.trim_end().len());
    out
}

/// Text of one line: every run of white space becomes one blank, control characters go, and so does what exceeds
/// `max_chars`.
pub(super) fn one_line(text: &str, max_chars: usize) -> String {
    let mut out = String::with_capacity(text.len().min(max_chars * 4));
    let mut n_chars = 0;
    let mut blank = false;
    for char in text.chars() {
        if char.is_whitespace() {
            blank = n_chars > 0;
            continue;
        }
        if char.is_control() {
            continue;
        }
        if n_chars + usize::from(blank) >= max_chars {
            break;
        }
        if std::mem::take(&mut blank) {
            out.push(' ');
            n_chars += 1;
        }
        out.push(char);
        n_chars += 1;
    }
    out
}

/// The first words of a text, at most 200 characters, one line.
pub(super) fn snippet(text: &str) -> String {
    // Enough to fill the snippet of any text that is not padding alone, so that a long text is not copied whole.
    let head: String = text.chars().filter(|char| !PADDING.contains(char)).take(SNIPPET_CHARS * 20).collect();
    one_line(&head, SNIPPET_CHARS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_are_kept_and_controls_are_not() {
        assert_eq!(clean("a\r\nb\rc\0\u{7}\td \n\n", 100), "a\nb\nc\td");
        assert_eq!(clean("äää", 5), "ää");
    }

    #[test]
    fn one_line_folds_white_space() {
        assert_eq!(one_line("  a\u{a0}\r\n\t b\0 ", 10), "a b");
        assert_eq!(one_line("ab cd", 3), "ab");
        assert_eq!(snippet("\u{200b}\u{200b} Hello\n\nyou"), "Hello you");
    }

    proptest! {
        #[test]
        fn output_is_bounded_and_holds_no_control_character(text in any::<String>(), max in 0_usize..300) {
            let line = one_line(&text, max);
            prop_assert!(line.chars().count() <= max && !line.chars().any(char::is_control));
            let lines = clean(&text, max);
            prop_assert!(lines.len() <= max && !lines.contains('\0') && !lines.contains('\r'));
            prop_assert!(snippet(&text).chars().count() <= SNIPPET_CHARS);
        }
    }
}
