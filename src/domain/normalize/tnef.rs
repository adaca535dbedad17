//! What Outlook packs into `winmail.dat` (MS-OXTNEF): the text of a mail and the files that came with it.
//!
//! Only what names and texts need is read. Every length is checked against what is there, so a broken stream gives what
//! stands before the break.

use encoding_rs::UTF_16LE;

use super::{
    charset::{self, Charset},
    html,
    part::Part,
    rtf,
};

/// The most files read of one stream.
const MAX_FILES: usize = 1_000;
const SIGNATURE: u32 = 0x223e_9f78;

/// Looks at what Outlook has packed into a part; `None` when it is no such part.
pub(super) fn of<R>(part: &Part<'_>, look: impl FnOnce(Packed<'_>) -> R) -> Option<R> {
    let is_packed = part.is("application", "ms-tnef") || part.is("application", "vnd.ms-tnef");
    let is_named = || part.name().is_some_and(|name| name.eq_ignore_ascii_case("winmail.dat"));
    if !is_packed && !is_named() {
        return None;
    }
    Packed::read(&part.bytes(usize::MAX)).map(look)
}

/// What a stream holds, as it is coded.
#[derive(Default)]
pub(super) struct Packed<'x> {
    code_page: u32,
    body: &'x [u8],
    wide_body: Option<&'x [u8]>,
    html: &'x [u8],
    rich_text: &'x [u8],
    files: Vec<Coded<'x>>,
}

/// A file in a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File<'x> {
    pub(super) name: String,
    /// Its media type, lower case; empty where the stream does not tell.
    pub(super) media_type: String,
    pub(super) bytes: &'x [u8],
}

/// A file whose name is in the stream's code page, unless it is in a property, which knows better.
#[derive(Default)]
struct Coded<'x> {
    title: &'x [u8],
    long_name: Option<Text<'x>>,
    media_type: Option<Text<'x>>,
    bytes: &'x [u8],
}

/// A text of a property.
#[derive(Clone, Copy)]
enum Text<'x> {
    Narrow(&'x [u8]),
    Wide(&'x [u8]),
}

impl<'x> Packed<'x> {
    /// Reads a stream; `None` when it is none.
    fn read(bytes: &'x [u8]) -> Option<Self> {
        let mut rest = Bytes(bytes);
        rest.u32().filter(|&signature| signature == SIGNATURE)?;
        rest.take(2)?;
        let mut packed = Self::default();
        while packed.attribute(&mut rest).is_some() {}
        Some(packed)
    }

    /// The text: what is plain, else what HTML says, else what rich text says, of which about `max_bytes` are read; empty
    /// where there is none.
    pub(super) fn text(&self, max_bytes: usize) -> String {
        let plain = || self.wide_body.map_or_else(|| self.decode(self.body), wide);
        let html = || html::to_text(&Charset::decode(self.html.into(), &html::charset(self.html)), max_bytes);
        let rich = || rtf::to_text(self.rich_text, max_bytes);
        let texts: [&dyn Fn() -> String; 3] = [&plain, &html, &rich];
        texts.into_iter().map(|text| text()).find(|text| !text.trim().is_empty()).unwrap_or_default()
    }

    /// The files.
    pub(super) fn files(&self) -> Vec<File<'x>> {
        let text = |text: Text<'_>| match text {
            Text::Narrow(bytes) => self.decode(bytes),
            Text::Wide(bytes) => wide(bytes),
        };
        let file = |coded: &Coded<'x>| File {
            name: coded.long_name.map(text).filter(|name| !name.is_empty()).unwrap_or_else(|| self.decode(coded.title)),
            media_type: coded.media_type.map(text).unwrap_or_default().to_ascii_lowercase(),
            bytes: coded.bytes,
        };
        self.files.iter().map(file).collect()
    }

    /// A text in the stream's code page, up to the zero that ends it.
    fn decode(&self, bytes: &[u8]) -> String {
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        Charset::decode(bytes[..end].into(), &charset::label(self.code_page))
    }

    /// Reads the next attribute; `None` at the end, or where the stream breaks.
    fn attribute(&mut self, rest: &mut Bytes<'x>) -> Option<()> {
        rest.take(1)?;
        let name = rest.u32()? & 0xffff;
        let length = rest.length()?;
        let data = rest.take(length)?;
        match name {
            // A file begins.
            0x9002 if self.files.len() < MAX_FILES => self.files.push(Coded::default()),
            0x8010 => self.file(|file| file.title = data),
            0x800f => self.file(|file| file.bytes = data),
            0x9005 => self.properties(data, true),
            0x9003 => self.properties(data, false),
            0x9007 => self.code_page = Bytes(data).u32().unwrap_or_default(),
            0x800c => self.body = data,
            _ => {}
        }
        // The checksum.
        rest.take(2).map(|_| ())
    }

    fn file(&mut self, change: impl FnOnce(&mut Coded<'x>)) {
        if let Some(file) = self.files.last_mut() {
            change(file);
        }
    }

    fn properties(&mut self, data: &'x [u8], is_of_file: bool) {
        let mut rest = Bytes(data);
        let n = rest.u32().unwrap_or_default();
        for _ in 0..n {
            let Some((id, value)) = property(&mut rest) else { return };
            match (id, value) {
                (0x3707, Property::Text(text)) if is_of_file => self.file(|file| file.long_name = Some(text)),
                (0x370e, Property::Text(text)) if is_of_file => self.file(|file| file.media_type = Some(text)),
                (0x3701, Property::Bytes(bytes)) if is_of_file => self.file(|file| file.bytes = bytes),
                (0x1000, Property::Text(Text::Wide(bytes))) if !is_of_file => self.wide_body = Some(bytes),
                (0x1000, Property::Text(Text::Narrow(bytes))) if !is_of_file => self.body = bytes,
                (0x1013, Property::Bytes(bytes)) if !is_of_file => self.html = bytes,
                (0x1009, Property::Bytes(bytes)) if !is_of_file => self.rich_text = bytes,
                (0x3fde | 0x3ffd, Property::Number(page)) if !is_of_file && self.code_page == 0 => {
                    self.code_page = page
                }
                _ => {}
            }
        }
    }
}

enum Property<'x> {
    Number(u32),
    Text(Text<'x>),
    Bytes(&'x [u8]),
    Other,
}

/// The next property of a list (MS-OXTNEF, 2.1.3.4): its id and its first value.
fn property<'x>(rest: &mut Bytes<'x>) -> Option<(u16, Property<'x>)> {
    let (kind, id) = (rest.u16()?, rest.u16()?);
    if id >= 0x8000 {
        // A name: a set's id, and a number or a text.
        rest.take(16)?;
        match rest.u32()? {
            0 => drop(rest.take(4)?),
            _ => {
                let length = rest.length()?;
                rest.padded(length)?;
            }
        }
    }
    let base = kind & 0x0fff;
    let is_sized = matches!(base, 0x000d | 0x001e | 0x001f | 0x0102);
    // Of those with a size, and of lists, there is a count.
    let n_values = if is_sized || kind & 0x1000 != 0 { rest.u32()? } else { 1 };
    let mut first = Property::Other;
    for number in 0..n_values {
        let length = match base {
            _ if is_sized => rest.length()?,
            0x0005..=0x0007 | 0x0014 | 0x0040 => 8,
            0x0048 => 16,
            _ => 4,
        };
        let value = rest.padded(length)?;
        if number == 0 {
            first = match base {
                0x001e => Property::Text(Text::Narrow(value)),
                0x001f => Property::Text(Text::Wide(value)),
                0x0102 | 0x000d => Property::Bytes(value),
                0x0002 | 0x0003 => Property::Number(Bytes(value).u32().unwrap_or_default()),
                _ => Property::Other,
            };
        }
    }
    Some((id, first))
}

fn wide(bytes: &[u8]) -> String {
    let text = UTF_16LE.decode_without_bom_handling(bytes).0;
    text.split('\0').next().unwrap_or_default().to_owned()
}

/// What is still to be read. Numbers are little-endian.
struct Bytes<'x>(&'x [u8]);

impl<'x> Bytes<'x> {
    fn take(&mut self, n: usize) -> Option<&'x [u8]> {
        let (taken, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(taken)
    }

    /// As many bytes, and what fills them up to a multiple of four. The last may be missing.
    fn padded(&mut self, n: usize) -> Option<&'x [u8]> {
        let taken = self.take(n)?;
        self.0 = &self.0[((4 - n % 4) % 4).min(self.0.len())..];
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn length(&mut self) -> Option<usize> {
        self.u32().and_then(|length| usize::try_from(length).ok())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    fn attribute(name: u16, data: &[u8]) -> Vec<u8> {
        let length = u32::try_from(data.len()).unwrap();
        [&[1][..], &name.to_le_bytes(), &[0, 0], &length.to_le_bytes(), data, &[0, 0]].concat()
    }

    fn stream(attributes: &[Vec<u8>]) -> Vec<u8> {
        [&SIGNATURE.to_le_bytes()[..], &[1, 0], &attributes.concat()].concat()
    }

    fn wide_property(id: u16, text: &str) -> Vec<u8> {
        let value: Vec<u8> = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
        let length = u32::try_from(value.len()).unwrap();
        let fill = vec![0; (4 - value.len() % 4) % 4];
        [&[0x1f, 0][..], &id.to_le_bytes(), &[1, 0, 0, 0], &length.to_le_bytes(), &value, &fill].concat()
    }

    fn properties(list: &[Vec<u8>]) -> Vec<u8> {
        [&u32::try_from(list.len()).unwrap().to_le_bytes()[..], &list.concat()].concat()
    }

    /// A text and two files, one of which has a short name only.
    pub(in super::super) fn sample() -> Vec<u8> {
        stream(&[
            attribute(0x9007, &1252_u32.to_le_bytes()),
            attribute(0x800c, b"gr\xfcn\0"),
            attribute(0x9002, &[0; 14]),
            attribute(0x8010, b"SHORT~1.TXT\0"),
            attribute(0x800f, b"12345"),
            attribute(0x9005, &properties(&[wide_property(0x3707, "größer.txt"), wide_property(0x370e, "Text/Plain")])),
            attribute(0x9002, &[0; 14]),
            attribute(0x8010, b"caf\xe9.png\0"),
        ])
    }

    #[test]
    fn text_and_files_are_read() {
        let packed = sample();
        let packed = Packed::read(&packed).unwrap();
        let file = |name: &str, kind: &str, bytes| File { name: name.into(), media_type: kind.into(), bytes };
        let files = vec![file("größer.txt", "text/plain", &b"12345"[..]), file("café.png", "", b"")];
        assert_eq!((packed.text(1_000).as_str(), packed.files()), ("grün", files));
        let wide = stream(&[attribute(0x9003, &properties(&[wide_property(0x1000, "ハロー")]))]);
        assert_eq!(Packed::read(&wide).unwrap().text(1_000), "ハロー");
        assert!(Packed::read(b"no stream").is_none());
    }

    /// Of the nineteen streams of the corpus, ten have their text as rich text only.
    #[test]
    fn rich_text_of_the_corpus_is_read() {
        let Ok(files) = std::fs::read_dir("../shared/corpus/tnef/mimekit") else { return };
        let mut n = 0;
        for file in files {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            let packed = Packed::read(&bytes).unwrap();
            if packed.body.is_empty() && packed.wide_body.is_none() && !packed.rich_text.is_empty() {
                let text = packed.text(10_000);
                assert!(text.split_whitespace().next().is_some_and(|word| !word.contains(['{', '\\'])), "{text}");
                n += 1;
            }
        }
        assert_eq!(n, 10);
    }

    fn read(stream: &[u8]) {
        if let Some(packed) = Packed::read(stream) {
            packed.text(100);
            packed.files();
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_stream(bytes in prop::collection::vec(any::<u8>(), 0..200), at in 0_usize..100, byte: u8) {
            read(&stream(std::slice::from_ref(&bytes)));
            read(&stream(&[attribute(0x9003, &bytes)]));
            let mut good = stream(&[attribute(0x9002, &[]), attribute(0x9005, &[&[1, 0, 0, 0][..], &wide_property(0x3707, "name")].concat())]);
            let at = at % good.len();
            good[at] = byte;
            read(&good);
        }
    }
}
