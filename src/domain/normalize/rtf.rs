//! Rich text to plain text: what Outlook packs where a mail has neither plain text nor HTML.
//!
//! Compressed as MS-OXRTFCP says, written in RTF 1.9.1, and often HTML in disguise (MS-OXRTFEX). One pass and no tree;
//! what breaks gives what stands before the break.

use std::collections::HashMap;

use super::{
    charset::{self, Charset},
    html,
};

/// The most bytes of rich text read.
const MAX_BYTES: usize = 4 << 20;
/// The most groups in each other, and the most fonts.
const MAX_GROUPS: usize = 10_000;
/// What every compressed text may refer to before it has said anything (MS-OXRTFCP, 2.1.2.1).
const DICTIONARY: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \
\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";
/// How far back a compressed text refers.
const WINDOW: usize = 4096;
/// Groups that are not text. Others that are not are ignorable, and say so by a star.
const NO_TEXT: [&str; 14] = [
    "colortbl",
    "fldinst",
    "footer",
    "footerf",
    "footerl",
    "footerr",
    "header",
    "headerf",
    "headerl",
    "headerr",
    "info",
    "nonshppict",
    "pict",
    "stylesheet",
];

/// The text of a compressed document; empty when it is none.
pub(super) fn to_text(compressed: &[u8], max_bytes: usize) -> String {
    let Some(document) = decompress(compressed).filter(|document| document.starts_with(b"{\\rtf")) else {
        return String::new();
    };
    let mut reader = Reader::default();
    reader.read(&document);
    match reader.is_html {
        true => html::to_text(&reader.out, max_bytes),
        false => reader.out,
    }
}

fn decompress(compressed: &[u8]) -> Option<Vec<u8>> {
    let number = |at: usize| {
        let bytes = compressed.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let (n_bytes, kind, mut coded) = (number(4)?.min(MAX_BYTES), compressed.get(8..12)?, compressed.get(16..)?);
    match kind {
        b"MELA" => return Some(coded[..n_bytes.min(coded.len())].to_vec()),
        b"LZFu" => {}
        _ => return None,
    }
    let mut out = DICTIONARY.to_vec();
    let end = DICTIONARY.len() + n_bytes;
    while out.len() < end
        && let Some((&flags, rest)) = coded.split_first()
    {
        coded = rest;
        for bit in 0..8 {
            let is_reference = (flags >> bit) & 1 == 1;
            match *coded {
                [high, low, ..] if is_reference => {
                    coded = &coded[2..];
                    let reference = usize::from(u16::from_be_bytes([high, low]));
                    let back = (out.len() % WINDOW + WINDOW - (reference >> 4)) % WINDOW;
                    // A reference to what comes next is the end; one to what never was is a break.
                    if back == 0 || back > out.len() {
                        return Some(out.split_off(DICTIONARY.len()));
                    }
                    for _ in 0..(reference & 15) + 2 {
                        out.push(out[out.len() - back]);
                    }
                }
                [byte, ..] if !is_reference => {
                    coded = &coded[1..];
                    out.push(byte);
                }
                _ => coded = &[],
            }
        }
    }
    Some(out.split_off(DICTIONARY.len()))
}

/// What holds in a group, and in the groups in it until they say otherwise.
#[derive(Clone, Copy, Default)]
struct Group {
    is_no_text: bool,
    is_font_table: bool,
    is_hidden: bool,
    /// In HTML in disguise: what only those who do not know of it are to see.
    is_for_others: bool,
    font: u16,
    /// How many characters stand for one in Unicode, for those who do not know that.
    n_stand_in: usize,
}

#[derive(Default)]
struct Reader {
    out: String,
    is_html: bool,
    group: Group,
    groups: Vec<Group>,
    /// Bytes that are not decoded yet: characters may take two.
    bytes: Vec<u8>,
    code_page: u32,
    /// The code pages of fonts that have one.
    fonts: HashMap<u16, u32>,
    /// Units of UTF-16 that are not decoded yet; never together with bytes.
    units: Vec<u16>,
    /// How many characters are still to be passed over, after one in Unicode.
    n_passed_over: usize,
    /// Whether a star has said that the group may be ignored.
    is_ignorable: bool,
}

impl Reader {
    fn read(&mut self, document: &[u8]) {
        self.group.n_stand_in = 1;
        let mut rest = document;
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'{' => {
                    self.flush();
                    if self.groups.len() >= MAX_GROUPS {
                        return;
                    }
                    self.groups.push(self.group);
                }
                b'}' => {
                    self.flush();
                    let Some(group) = self.groups.pop() else { return };
                    (self.group, self.is_ignorable) = (group, false);
                    if self.groups.is_empty() {
                        return;
                    }
                }
                b'\\' => rest = self.control(rest),
                b'\r' | b'\n' | 0 => {}
                byte => self.byte(byte),
            }
        }
        self.flush();
    }

    /// Reads what stands behind a backslash and returns what follows it.
    fn control<'x>(&mut self, rest: &'x [u8]) -> &'x [u8] {
        let Some((&sign, after)) = rest.split_first() else { return rest };
        let n_letters = rest.iter().take(32).take_while(|byte| byte.is_ascii_alphabetic()).count();
        if n_letters == 0 {
            match sign {
                b'\'' => {
                    let code = after.get(..2).and_then(|code| std::str::from_utf8(code).ok());
                    let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) else { return after };
                    self.byte(byte);
                    return &after[2..];
                }
                b'*' => self.is_ignorable = true,
                b'~' => self.text("\u{a0}"),
                b'_' => self.text("-"),
                b'\r' | b'\n' => self.text("\n"),
                b'\\' | b'{' | b'}' => self.byte(sign),
                _ => {}
            }
            return after;
        }
        let (word, rest) = rest.split_at(n_letters);
        let n_digits = rest.iter().skip(1).take(10).take_while(|byte| byte.is_ascii_digit()).count();
        let is_number = |first: &u8| first.is_ascii_digit() || (*first == b'-' && n_digits > 0);
        let (number, rest) = rest.split_at(if rest.first().is_some_and(is_number) { 1 + n_digits } else { 0 });
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<i64>().ok());
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        let word = std::str::from_utf8(word).unwrap_or_default();
        if word == "bin" {
            let n = usize::try_from(number.unwrap_or_default()).unwrap_or_default();
            return rest.get(n..).unwrap_or_default();
        }
        self.word(word, number);
        rest
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        let is_on = number != Some(0);
        let small = u16::try_from(number.unwrap_or_default());
        let is_ignorable = std::mem::take(&mut self.is_ignorable);
        if word != "u" {
            self.flush();
        }
        match word {
            "par" | "line" | "row" | "sect" | "page" => self.text("\n"),
            "tab" => self.text("\t"),
            "cell" => self.text(" "),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "bullet" => self.text("•"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            // A negative number is one above 32,767.
            "u" => self.unit(number.and_then(|number| u16::try_from(number & 0xffff).ok()).unwrap_or_default()),
            "uc" => self.group.n_stand_in = usize::from(small.unwrap_or(1)).min(10),
            "ansicpg" => self.code_page = u32::from(small.unwrap_or_default()),
            "mac" => self.code_page = 10_000,
            "f" => self.group.font = small.unwrap_or_default(),
            "fcharset" if self.group.is_font_table && self.fonts.len() < MAX_GROUPS => {
                if let Some(page) = of_font(number.unwrap_or_default()) {
                    self.fonts.insert(self.group.font, page);
                }
            }
            "plain" => (self.group.is_hidden, self.group.font) = (false, 0),
            "v" => self.group.is_hidden = is_on,
            "fromhtml" => self.is_html = is_on,
            "htmlrtf" => self.group.is_for_others = is_on,
            "htmltag" if is_ignorable && self.is_html => {}
            "fonttbl" => (self.group.is_font_table, self.group.is_no_text) = (true, true),
            word if is_ignorable || NO_TEXT.contains(&word) => self.group.is_no_text = true,
            _ => {}
        }
    }

    fn is_shown(&self) -> bool {
        let is_meant = if self.is_html { !self.group.is_for_others } else { !self.group.is_hidden };
        is_meant && !self.group.is_no_text
    }

    fn byte(&mut self, byte: u8) {
        if self.n_passed_over > 0 {
            self.n_passed_over -= 1;
        } else if self.is_shown() {
            self.flush_units();
            self.bytes.push(byte);
        }
    }

    fn text(&mut self, text: &str) {
        self.flush();
        if self.is_shown() {
            self.out.push_str(text);
        }
    }

    /// A unit of UTF-16; what stands in for it comes next.
    fn unit(&mut self, unit: u16) {
        self.flush_bytes();
        self.n_passed_over = self.group.n_stand_in;
        if self.is_shown() {
            self.units.push(unit);
        }
    }

    fn flush(&mut self) {
        self.n_passed_over = 0;
        self.flush_bytes();
        self.flush_units();
    }

    /// Decodes the bytes so far, which are in the code page of their font.
    fn flush_bytes(&mut self) {
        if !self.bytes.is_empty() {
            let page = self.fonts.get(&self.group.font).copied().unwrap_or(self.code_page);
            self.out += &Charset::decode(std::mem::take(&mut self.bytes).into(), &charset::label(page));
        }
    }

    fn flush_units(&mut self) {
        let chars = char::decode_utf16(self.units.drain(..));
        self.out.extend(chars.map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER)));
    }
}

/// The code page of a font's character set (RTF 1.9.1, `\fcharset`); `None` where it is the document's.
fn of_font(charset: i64) -> Option<u32> {
    Some(match charset {
        0 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        255 => 850,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn plain(document: &[u8]) -> Vec<u8> {
        let n_bytes = u32::try_from(document.len()).unwrap();
        [&(n_bytes + 12).to_le_bytes()[..], &n_bytes.to_le_bytes(), b"MELA", &[0; 4], document].concat()
    }

    fn text(document: &[u8]) -> String {
        to_text(&plain(document), 1_000)
    }

    /// The example of MS-OXRTFCP, 3.1.1.
    #[test]
    fn what_is_compressed_is_read() {
        let compressed = b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125\x42\x32\x0a\xf3\x20hel\x09\0\x20bw\x05\xb0ld}\x0a\x80\x0f\xa0";
        assert_eq!(decompress(compressed).unwrap(), b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n");
        assert_eq!(to_text(compressed, 1_000), "hello world");
        // A run may repeat what it itself writes: MS-OXRTFCP, 3.1.2.
        let run = b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4\x4b\x51\x41\x00\x04\x20WXYZ\x0d\x6e\x7d\x01\x0e\xb0";
        assert_eq!(decompress(run).unwrap(), b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}");
    }

    #[test]
    fn text_is_told_from_what_is_not() {
        let document = br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fswiss\fcharset0 Arial;}{\f1\fcharset204{\*\fname Arial;}Arial CYR;}}
{\colortbl;\red255\green0\blue0;}{\*\generator Riched20;}{\info{\author Nobody}}\uc1\pard\f0 gr\'fcn\b  fett\b0\par
\f1\'cf\'f0\'e8\'e2\'e5\'f2\f0\tab\{a\}\line{\v hidden}\u8364?\u-10179?\u-8704?\uc2\u228 ae!{\pict 00ff}\bin3 \}}\emdash\par}";
        assert_eq!(text(document), "grün fett\nПривет\t{a}\n€😀ä!—\n");
        assert_eq!(text(br"{\rtf1\ansi\ansicpg936{\fonttbl{\f13\fcharset134 SimSun;}}\f13 \'c4\'e3\'ba\'c3}"), "你好");
    }

    #[test]
    fn html_in_disguise_is_read_as_html() {
        let document = br"{\rtf1\ansi\ansicpg1252\fromhtml1 \deff0{\fonttbl{\f0 Arial;}}{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 one {\*\mhtmltag84 x}{\*\htmltag84 &amp;}\htmlrtf &\htmlrtf0  two\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}{\*\htmltag64 <p>}three}";
        assert_eq!(text(document), "one & two\n\nthree");
    }

    proptest! {
        #[test]
        fn any_bytes_are_rich_text(
            words in prop::collection::vec(r"[{}\\]|\\(par|u-?[0-9]{1,6}|uc[0-9]|f[0-9]|bin[0-9]{1,11}|fromhtml1|\*|'..|htmlrtf0?|v)|.{0,3}", 0..40),
            coded in prop::collection::vec(any::<u8>(), 0..80),
        ) {
            text(format!("{{\\rtf{}", words.concat()).as_bytes());
            to_text(&[&[0, 0, 0, 0, 0, 9, 0, 0][..], b"LZFu", &[0; 4], &coded].concat(), 100);
            to_text(&coded, 100);
        }
    }
}
