//! Small files to attach: real PDF, CSV and PNG bytes.

use super::{super::rng::Rng, mime::File};

/// One of the three kinds, with a name that fits.
pub(super) fn file(rng: &mut Rng, topic: &str) -> File {
    let slug: String = topic.chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
    let slug = slug.trim_matches('-').to_owned();
    match rng.below(3) {
        0 => File { name: format!("{slug}.pdf"), mime_type: "application/pdf", bytes: pdf(rng) },
        1 => File { name: format!("{slug}.csv"), mime_type: "text/csv", bytes: csv(rng) },
        _ => File { name: format!("{slug}.png"), mime_type: "image/png", bytes: png(rng) },
    }
}

/// One page with a line of text; readers rebuild the cross-reference table they miss.
pub(super) fn pdf(rng: &mut Rng) -> Vec<u8> {
    let text = format!("BT /F1 18 Tf 72 760 Td (Document {:06}) Tj ET", rng.below(1_000_000));
    format!(
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R/Resources<</Font<</F1 5 0 R>>>>>>endobj\n\
         4 0 obj<</Length {}>>stream\n{text}\nendstream endobj\n\
         5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%EOF\n",
        text.len()
    )
    .into_bytes()
}

fn csv(rng: &mut Rng) -> Vec<u8> {
    let mut text = "item;quantity;price\r\n".to_owned();
    for item in 1..=rng.between(5, 25) {
        text.push_str(&format!("A-{item:03};{};{}.{:02}\r\n", rng.between(1, 40), rng.between(3, 900), rng.below(100)));
    }
    text.into_bytes()
}

/// 8 by 8 grey pixels, stored without compression.
fn png(rng: &mut Rng) -> Vec<u8> {
    let mut pixels = Vec::new();
    for _ in 0..8 {
        pixels.push(0); // the row's filter: none
        pixels.extend((0..8).map(|_| rng.below(256) as u8));
    }
    let length = pixels.len() as u16;
    let mut zlib = vec![0x78, 0x01, 0x01];
    zlib.extend(length.to_le_bytes());
    zlib.extend((!length).to_le_bytes());
    zlib.extend(&pixels);
    zlib.extend(adler32(&pixels).to_be_bytes());
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &[0, 0, 0, 8, 0, 0, 0, 8, 8, 0, 0, 0, 0]);
    chunk(&mut png, b"IDAT", &zlib);
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(png: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    png.extend((data.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(data);
    let sum = crc32(&png[start..]);
    png.extend(sum.to_be_bytes());
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1_u32, 0_u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    (b << 16) | a
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_the_standard_ones() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }
}
