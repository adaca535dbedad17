//! The files that came with a mail: the parts that are not its text, and the files that Outlook has packed into one part.

use super::{Attachment, File, Note, mime::Mail, part::Part, text, tnef};

/// The most files kept of one mail.
const MAX_FILES: usize = 1_000;
/// The longest name or type of a file kept, in characters.
const MAX_NAME: usize = 255;
/// The longest id by which HTML refers to a file kept, in characters: what RFC 5322 allows in a line.
const MAX_ID: usize = 998;
/// What the number of a file in a part is multiplied by, to stand beside the number of the part.
const PACKED: u32 = 1 << 16;

/// What came with a mail, as what it is, and whether there was more than is kept.
pub(super) fn read(mail: &Mail<'_>) -> (Vec<Attachment>, Option<Note>) {
    let mut files: Vec<_> = numbered(mail).flat_map(|(number, part)| files(number, part)).take(MAX_FILES + 1).collect();
    let is_cut = files.len() > MAX_FILES;
    files.truncate(MAX_FILES);
    (files, is_cut.then_some(Note::FilesLeftOut))
}

/// The content of the attachment with that number; `None` when there is none.
pub(super) fn find(mail: &Mail<'_>, number: u32) -> Option<File> {
    let (part_number, packed) = (number % PACKED, number / PACKED);
    let (_, part) = numbered(mail).find(|(own, _)| *own == part_number)?;
    let Attachment { name, media_type, .. } = files(part_number, part).into_iter().find(|file| file.part == number)?;
    let bytes = match packed.checked_sub(1) {
        None => part.bytes(usize::MAX).into_owned(),
        Some(at) => tnef::of(part, |packed| Some(packed.files().get(usize::try_from(at).ok()?)?.bytes.to_vec()))??,
    };
    Some(File { name, media_type, bytes })
}

/// Whether a part is a file beside the text, as `has:attachment` means it.
pub(super) fn is_beside(part: &Part<'_>) -> bool {
    part.is_file() || (part.name().is_some() && !part.is_inline() && !part.is_text("plain") && !part.is_text("html"))
}

/// The parts that are not the text of the mail, with their numbers.
fn numbered<'m, 'x>(mail: &'m Mail<'x>) -> impl Iterator<Item = (u32, &'m Part<'x>)> {
    // AMP is a third way to say what the other alternatives say.
    let is_text = |part: &Part<'_>| part.is_text("plain") || part.is_text("html") || part.is("text", "x-amp-html");
    (0..).zip(&mail.parts).filter(move |(_, part)| !is_text(part))
}

/// The files that a part is: itself, or what Outlook has packed into it.
fn files(number: u32, part: &Part<'_>) -> Vec<Attachment> {
    let packed = tnef::of(part, |packed| {
        (1..).zip(packed.files()).map(|(at, file)| unpacked(number + at * PACKED, file)).collect()
    });
    packed.filter(|files: &Vec<_>| !files.is_empty()).unwrap_or_else(|| {
        vec![Attachment {
            name: text::one_line(part.name().unwrap_or_default(), MAX_NAME),
            media_type: text::one_line(&part.media_type(), MAX_NAME),
            size_bytes: part.size_bytes(),
            inline: part.is_inline(),
            content_id: part.content_id.as_deref().map(|id| text::one_line(id, MAX_ID)).filter(|id| !id.is_empty()),
            part: number,
        }]
    })
}

fn unpacked(number: u32, file: tnef::File<'_>) -> Attachment {
    let media_type = if file.media_type.is_empty() { "application/octet-stream" } else { &file.media_type };
    Attachment {
        name: text::one_line(&file.name, MAX_NAME),
        media_type: text::one_line(media_type, MAX_NAME),
        size_bytes: file.bytes.len() as u64,
        inline: false,
        content_id: None,
        part: number,
    }
}
