//! Text that was wrapped for transport (`format=flowed`, RFC 3676), unwrapped.

/// The paragraphs of a flowed text. A line that ends in a blank goes on in the next one, if that is quoted as deeply; the
/// line before a signature ends its paragraph.
pub(super) fn unwrap(text: &str, deletes_blank: bool) -> String {
    let mut out = String::with_capacity(text.len());
    // The depth of the paragraph that is still open.
    let mut open = None;
    for (at, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.trim_start_matches('>');
        let depth = line.len() - content.len();
        let content = content.strip_prefix(' ').unwrap_or(content);
        let is_signature = content == "-- ";
        if open != Some(depth) || is_signature {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&line[..depth]);
            if depth > 0 && !content.is_empty() {
                out.push(' ');
            }
        }
        let goes_on = content.ends_with(' ') && !is_signature;
        out.push_str(if goes_on && deletes_blank { &content[..content.len() - 1] } else { content });
        open = goes_on.then_some(depth);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paragraphs_are_put_together() {
        for (wrapped, deletes_blank, text) in [
            ("one \ntwo\nthree", false, "one two\nthree"),
            ("one \r\ntwo\r\n", false, "one two\n"),
            ("漢 \n字", true, "漢字"),
            ("> said \n> before \nnow", false, "> said before \nnow"),
            (">> a \n> b", false, ">> a \n> b"),
            (" > not quoted\n From me", false, "> not quoted\nFrom me"),
            ("bye \n-- \nAda \nL.", false, "bye \n-- \nAda L."),
            ("", false, ""),
        ] {
            assert_eq!(unwrap(wrapped, deletes_blank), text, "{wrapped:?}");
        }
    }

    proptest! {
        #[test]
        fn no_word_is_lost(text in "([>a-c \\n]|-- |é){0,40}", deletes_blank: bool) {
            let letters = |text: &str| text.chars().filter(|char| char.is_alphabetic()).collect::<String>();
            prop_assert_eq!(letters(&unwrap(&text, deletes_blank)), letters(&text));
        }
    }
}
