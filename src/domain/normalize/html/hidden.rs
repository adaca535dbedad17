//! What a reader of HTML does not see: elements that are not shown, by their kind or by the styles on them.

use super::{attributes, is_block};

/// Elements that browsers show nothing of, or something else.
const UNSEEN: [&str; 8] = ["audio", "canvas", "datalist", "math", "object", "select", "svg", "video"];
/// Elements that nothing can be inside of.
const VOID: [&str; 14] =
    ["area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "link", "meta", "wbr"];

/// Whether a reader sees nothing of an element, by its kind or by the styles on it. Those of a sheet are not looked at.
fn is_hidden(name: &str, tag: &str) -> bool {
    if UNSEEN.contains(&name) {
        return true;
    }
    // A page that hides all of itself shows it by a script, or means nothing by it.
    if matches!(name, "html" | "body") {
        return false;
    }
    attributes(tag).any(|(attribute, value)| match attribute.to_ascii_lowercase().as_str() {
        "hidden" => true,
        "style" => hides(&value.to_ascii_lowercase()),
        _ => false,
    })
}

/// Whether styles make an element invisible, as those of a preview text or of what only a phone shows. A size of zero for
/// the font is none of them: layouts use it around texts that have a size of their own.
fn hides(style: &str) -> bool {
    let is_zero = |value: &str| {
        value.trim_end_matches(|char: char| char.is_ascii_alphabetic() || char == '%').trim_end().parse() == Ok(0.0_f32)
    };
    let (mut is_flat, mut is_cut_off) = (false, false);
    for declaration in style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        let value = value.split('!').next().unwrap_or_default().trim();
        match property.trim() {
            "display" if value == "none" => return true,
            "visibility" if value == "hidden" => return true,
            "opacity" if is_zero(value) => return true,
            "max-height" => is_flat = is_zero(value),
            "overflow" => is_cut_off = value == "hidden",
            _ => {}
        }
    }
    is_flat && is_cut_off
}

/// An element that is being passed over.
pub(super) struct Hidden {
    name: String,
    /// How many of that name are open.
    depth: usize,
    /// How many tables are open inside it.
    n_tables: usize,
    /// How much of the document begins with its tag.
    pub(super) n_bytes_from: usize,
}

impl Hidden {
    /// The element that a tag opens, if nothing of it is seen. `n_bytes_from` is how much of the document begins with the tag.
    pub(super) fn opened_by(name: &str, tag: &str, n_bytes_from: usize) -> Option<Self> {
        let hides = !VOID.contains(&name) && is_hidden(name, tag);
        hides.then(|| Self { name: name.to_owned(), depth: 1, n_tables: 0, n_bytes_from })
    }

    /// Follows the next tag. Says whether the element is over with it, and whether the tag itself is outside of it.
    pub(super) fn follow(&mut self, name: &str, closes: bool) -> (bool, bool) {
        if self.ends_before(name, closes) {
            return (true, true);
        }
        match (name == self.name, closes) {
            (true, true) => self.depth -= 1,
            (true, false) => self.depth += 1,
            (false, true) if name == "table" => self.n_tables = self.n_tables.saturating_sub(1),
            (false, false) if name == "table" => self.n_tables += 1,
            _ => {}
        }
        (self.depth == 0, false)
    }

    /// Whether a tag ends an element whose end may be left out: what follows it shows where it was.
    fn ends_before(&self, name: &str, closes: bool) -> bool {
        if self.n_tables > 0 {
            return false;
        }
        let is_table_part = matches!(name, "tr" | "tbody" | "thead" | "tfoot");
        match self.name.as_str() {
            "p" => is_block(name) && name != "p" || name == "p" && !closes,
            "li" => name == "li" && !closes || closes && matches!(name, "ul" | "ol"),
            "td" | "th" => matches!(name, "td" | "th") && !closes || is_table_part || closes && name == "table",
            "tr" => name == "tr" && !closes || closes && matches!(name, "table" | "tbody" | "thead" | "tfoot"),
            _ => false,
        }
    }
}
