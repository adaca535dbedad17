//! How a part's bytes were made fit for transport (RFC 2045, 6), read forgivingly: what breaks the rules is left out or
//! left as it is, and the rest is read on.

/// The bytes of a base64 text. What is no digit is passed over; the padding ends it, because what programs put behind the
/// end, such as a list's footer, is none of it.
pub(super) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut n_digits) = (0_u32, 0);
    for &byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' if n_digits > 1 => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        n_digits += 1;
        if n_digits == 4 {
            out.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, n_digits) = (0, 0);
        }
    }
    // Two digits are a byte, three are two.
    let rest = (bits << (6 * (4 - n_digits))).to_be_bytes();
    out.extend_from_slice(&rest[1..n_digits.max(1)]);
    out
}

/// The bytes of a quoted-printable text.
pub(super) fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'=' {
            out.push(byte);
            at += 1;
            continue;
        }
        let rest = &text[at + 1..];
        let digit = |at: usize| char::from(*rest.get(at)?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        if let Some((high, low)) = digit(0).zip(digit(1)) {
            out.push(high << 4 | low);
            at += 3;
        } else if let Some(length) = soft_break(rest) {
            at += 1 + length;
        } else {
            out.push(b'=');
            at += 1;
        }
    }
    out
}

/// The length of a line end, and the blanks that transport has put before it. The end of all is one, too.
fn soft_break(rest: &[u8]) -> Option<usize> {
    let n_blanks = rest.iter().take_while(|&&byte| byte == b' ' || byte == b'\t').count();
    match &rest[n_blanks..] {
        [b'\r', b'\n', ..] => Some(n_blanks + 2),
        [b'\n', ..] => Some(n_blanks + 1),
        [] => Some(n_blanks),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn broken_base64_is_read_as_far_as_it_goes() {
        for (text, bytes) in [
            ("aGVsbG8=", "hello"),
            ("aGVs\r\nbG8", "hello"),
            ("aGV!sbG8=\n----\nfooter", "hello"),
            ("Y2Fm-w6k=", "caf\u{c3}\u{a9}"),
            ("a", ""),
            ("aG", "h"),
            ("=aGk=", "hi"),
            ("", ""),
        ] {
            let read: String = base64(text.as_bytes()).into_iter().map(char::from).collect();
            assert_eq!(read, bytes, "{text}");
        }
    }

    #[test]
    fn broken_quoted_printable_is_read_as_far_as_it_goes() {
        for (text, bytes) in [
            ("a=3Db=\r\nc= \t\nd", "a=bcd"),
            ("h=c3=B6", "h\u{c3}\u{b6}"),
            ("a=ZZ = b=4", "a=ZZ = b=4"),
            ("end=", "end"),
        ] {
            let read: String = quoted_printable(text.as_bytes()).into_iter().map(char::from).collect();
            assert_eq!(read, bytes, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(&base64(STANDARD.encode(&bytes).as_bytes()), &bytes);
            let quoted: String = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
            prop_assert_eq!(quoted_printable(quoted.as_bytes()), bytes);
        }

        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            base64(&bytes);
            quoted_printable(&bytes);
        }
    }
}
