//! Bytes as text: by the label they carry, unless it says nothing or is plainly wrong.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{EUC_KR, Encoding, GBK, ISO_2022_JP, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::{DecoderFnc, map::charset_decoder};

/// How many bytes a guess looks at.
const SAMPLE_BYTES: usize = 64 << 10;

/// A charset that a label names.
#[derive(Clone, Copy)]
pub(super) enum Charset {
    Encoding(&'static Encoding),
    Utf7,
    /// Korean, seven bits wide (RFC 1557).
    Iso2022Kr,
    /// Chinese, seven bits wide (RFC 1843).
    Hz,
    /// One that the web does not know.
    Other(DecoderFnc),
}

impl Charset {
    /// The charset of a label; `None` when it says nothing: it is unknown, or claims ASCII, as does much that is not.
    pub(super) fn named(label: &str) -> Option<Self> {
        let label = label.trim_matches(|char: char| char.is_whitespace() || "\"'".contains(char)).to_ascii_lowercase();
        match label.as_str() {
            "" | "ascii" | "us-ascii" | "ansi_x3.4-1968" => return None,
            "utf-7" | "utf7" | "unicode-1-1-utf-7" | "csutf7" => return Some(Self::Utf7),
            "iso-2022-kr" | "csiso2022kr" => return Some(Self::Iso2022Kr),
            "hz-gb-2312" | "hz" => return Some(Self::Hz),
            _ => {}
        }
        let known = Encoding::for_label_no_replacement(label.as_bytes()).map(Self::Encoding);
        known.or_else(|| charset_decoder(label.as_bytes()).map(Self::Other))
    }

    /// The text of a part, or of an encoded word.
    pub(super) fn decode(bytes: Cow<'_, [u8]>, label: &str) -> String {
        let charset = Self::named(label);
        let is_utf8 = || std::str::from_utf8(&bytes).is_ok();
        match charset {
            None => unlabelled(bytes, None),
            Some(Self::Encoding(encoding)) if encoding == UTF_8 => utf8(bytes),
            // Latin text that is UTF-8 by chance hardly exists, and text that passed two programs is common.
            Some(Self::Encoding(encoding)) if encoding.is_single_byte() && !bytes.is_ascii() && is_utf8() => {
                owned_utf8(bytes)
            }
            Some(Self::Encoding(encoding)) => {
                let (text, _, has_errors) = encoding.decode(&bytes);
                if has_errors && !bytes.is_ascii() && is_utf8() { owned_utf8(bytes) } else { text.into_owned() }
            }
            Some(Self::Utf7) => utf7(&bytes),
            Some(Self::Iso2022Kr) => EUC_KR.decode(&high_bits(&bytes, b"\x0e", b"\x0f")).0.into_owned(),
            Some(Self::Hz) => GBK.decode(&high_bits(&bytes, b"~{", b"~}")).0.into_owned(),
            Some(Self::Other(decoder)) => decoder(&bytes),
        }
    }

    /// The text of a header, which carries no label: UTF-8, or what the mail's body is in, or a guess.
    pub(super) fn decode_header(bytes: Cow<'_, [u8]>, of_body: Option<Self>) -> String {
        unlabelled(bytes, of_body)
    }
}

/// The label of one of Windows' code pages.
pub(super) fn label(code_page: u32) -> String {
    let label = match code_page {
        932 => "shift_jis",
        936 => "gbk",
        949 => "euc-kr",
        950 => "big5",
        10_000 => "macintosh",
        20_866 => "koi8-r",
        21_866 => "koi8-u",
        20_932 | 51_932 => "euc-jp",
        50_220..=50_222 => "iso-2022-jp",
        65_001 => "utf-8",
        437 | 850 | 852 | 866 => return format!("cp{code_page}"),
        28_591..=28_606 => return format!("iso-8859-{}", code_page - 28_590),
        _ => return format!("windows-{code_page}"),
    };
    label.to_owned()
}

fn owned_utf8(bytes: Cow<'_, [u8]>) -> String {
    let text = String::from_utf8(bytes.into_owned());
    let text = text.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// Text that claims to be UTF-8: where hardly any of it is, it is something else.
fn utf8(bytes: Cow<'_, [u8]>) -> String {
    let (mut n_good, mut n_bad) = (0, 0);
    for chunk in bytes.utf8_chunks() {
        n_good += chunk.valid().chars().filter(|char| !char.is_ascii()).count();
        n_bad += usize::from(!chunk.invalid().is_empty());
    }
    if n_bad > n_good { guess(&bytes) } else { owned_utf8(bytes) }
}

fn unlabelled(bytes: Cow<'_, [u8]>, preferred: Option<Charset>) -> String {
    if bytes.windows(3).any(|three| matches!(three, b"\x1b$B" | b"\x1b$@")) {
        return ISO_2022_JP.decode(&bytes).0.into_owned();
    }
    if std::str::from_utf8(&bytes).is_ok() {
        return owned_utf8(bytes);
    }
    match preferred {
        Some(Charset::Encoding(encoding)) if encoding != UTF_8 && encoding.is_ascii_compatible() => {
            encoding.decode_without_bom_handling(&bytes).0.into_owned()
        }
        _ => guess(&bytes),
    }
}

/// Bytes without a label that are not UTF-8, in the charset that they look like.
fn guess(bytes: &[u8]) -> String {
    if is_western(bytes) {
        return WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned();
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&bytes[..bytes.len().min(SAMPLE_BYTES)], true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let encoding = if encoding == UTF_8 { WINDOWS_1252 } else { encoding };
    encoding.decode_without_bom_handling(bytes).0.into_owned()
}

/// Whether bytes read well as Western Latin: few of them are not ASCII, and those are its letters, or signs that do not
/// stand inside words. The detector looks at letters alone, and takes quotes, dashes and a lone letter for anything.
fn is_western(bytes: &[u8]) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphabetic() || byte >= 0xc0;
    let is_sign_within_words = |byte: u8| matches!(byte, 0x91 | 0x92 | 0x96 | 0xa0 | 0xad | 0xb4 | 0xb7);
    let mut n_letters = 0;
    let is_fit = bytes.iter().enumerate().filter(|(_, byte)| !byte.is_ascii()).all(|(at, &byte)| {
        n_letters += usize::from(is_letter(byte));
        let is_within = || {
            let before = at.checked_sub(1).and_then(|before| bytes.get(before));
            before.zip(bytes.get(at + 1)).is_some_and(|(&before, &after)| is_letter(before) && is_letter(after))
        };
        match byte {
            0xd0 | 0xd7 | 0xdd | 0xde | 0xf0 | 0xf7 | 0xfd | 0xfe => false,
            0xc0.. => true,
            0x80 | 0x82 | 0x84 | 0x85 | 0x91..=0x97 | 0x99 | 0xa0..=0xbf => is_sign_within_words(byte) || !is_within(),
            _ => false,
        }
    });
    is_fit && n_letters * 3 <= bytes.iter().filter(|byte| byte.is_ascii_alphabetic()).count()
}

/// Text that shifts between ASCII and pairs of seven-bit bytes, with the eighth bit set in the pairs.
fn high_bits(bytes: &[u8], shift_in: &[u8], shift_out: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let (mut rest, mut is_in) = (bytes, false);
    while let Some((&byte, after)) = rest.split_first() {
        if let Some(after) = rest.strip_prefix(if is_in { shift_out } else { shift_in }) {
            (rest, is_in) = (after, !is_in);
            continue;
        }
        // A line ends what was not shifted out.
        is_in &= byte != b'\n';
        out.push(if is_in { byte | 0x80 } else { byte });
        rest = after;
    }
    // Korean names itself in front.
    out.strip_prefix(b"\x1b$)C").map(<[u8]>::to_vec).unwrap_or(out)
}

/// UTF-7 (RFC 2152): runs of base64 between `+` and what is no digit, a `-` of which goes.
fn utf7(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|&byte| byte == b'+') {
        out.push_str(&String::from_utf8_lossy(&rest[..at]));
        let run = &rest[at + 1..];
        let n_digits =
            run.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/')).count();
        let units = super::transfer::base64(&run[..n_digits]);
        let units = units.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
        out.extend(char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
        let is_closed = run.get(n_digits) == Some(&b'-');
        if n_digits == 0 {
            out.push('+');
        }
        rest = &run[n_digits + usize::from(is_closed)..];
    }
    out.push_str(&String::from_utf8_lossy(rest));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_is_decoded_whatever_it_claims() {
        for (bytes, charset, text) in [
            (&b"gr\xc3\xbcn"[..], "us-ascii", "grün"),
            (b"gr\xfcn", "us-ascii", "grün"),
            (b"gr\xfcn", "utf-8", "grün"),
            (b"gr\xc3\xbcn \xc3\xbc \xfc", "utf-8", "grün ü \u{fffd}"),
            (b"gr\xfcn", "ISO-8859-1", "grün"),
            (b"gr\xc3\xbcn", "ISO-8859-1", "grün"),
            (b"gr\xc3\xbcn", "nonsense", "grün"),
            (b"\xef\xbb\xbfa", "", "a"),
            (b"\x1b$B%O\x1b(B", "iso-2022-jp", "ハ"),
            (b"\x1b$B%O\x1b(B", "us-ascii", "ハ"),
            ("Привет, как дела? Всё хорошо".as_bytes(), "koi8-r", "Привет, как дела? Всё хорошо"),
            (b"\x1b$)C\x0e0!\x0f a\n", "iso-2022-kr", "가 a\n"),
            (b"a ~{<:~} b", "hz-gb-2312", "a 己 b"),
            (b"1 +- 1 is +IKw-, +AKM.", "utf-7", "1 + 1 is €, £."),
            (b"\x81", "cp850", "ü"),
        ] {
            assert_eq!(Charset::decode(bytes.into(), charset), text, "{charset}");
        }
    }

    #[test]
    fn text_without_a_label_is_guessed() {
        let russian = encoding_rs::WINDOWS_1251.encode("Добрый день, посылаю отчёт за неделю").0;
        assert_eq!(Charset::decode(russian.clone(), ""), "Добрый день, посылаю отчёт за неделю");
        let signs = "·¸¸·´¯` News ·¸ it’s £30, dueñas";
        assert_eq!(Charset::decode(WINDOWS_1252.encode(signs).0, "utf-8"), signs);
        let korean = encoding_rs::EUC_KR.encode("안녕하세요. 회의는 내일입니다").0;
        assert_eq!(Charset::decode(korean, "x-unknown"), "안녕하세요. 회의는 내일입니다");
    }

    proptest! {
        #[test]
        fn any_bytes_are_text(
            bytes in prop::collection::vec(any::<u8>(), 0..60),
            label in "utf-7|utf-8|utf-16|gb18030|hz-gb-2312|iso-2022-(kr|jp)|cp850||koi8-r|replacement|.{0,5}",
        ) {
            Charset::decode(bytes.into(), &label);
        }
    }
}
