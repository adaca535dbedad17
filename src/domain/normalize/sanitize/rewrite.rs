//! HTML written anew in the plainest form: known elements, each closed in the order of opening, with known attributes in quotes.
//!
//! Whatever a browser would make of the original, of this every reader makes the same. One pass without a tree.

use std::borrow::Cow;

use super::{super::html, Proxy, attributes, style, tags};

/// The most bytes read.
const MAX_BYTES: usize = 2 << 20;
/// The most elements kept.
const MAX_ELEMENTS: usize = 30_000;
/// How deep elements may nest; deeper ones are left out, and what is in them stays.
const MAX_DEPTH: usize = 100;
/// The most attributes read of one element.
const MAX_ATTRIBUTES: usize = 50;
/// The longest address or other value kept, in bytes.
const MAX_VALUE: usize = 4_000;

/// The most images that are had through a proxy.
const MAX_PROXIED: u32 = 200;

/// The longest piece of text, in bytes: the library escapes a piece in quadratic time.
const MAX_PIECE: usize = 500;
/// Elements of a table that no text belongs in. A reader moves it in front of the table, all pieces as one.
const NO_TEXT: [&str; 6] = ["table", "tbody", "thead", "tfoot", "tr", "colgroup"];

/// Elements whose content is no text of the mail.
#[rustfmt::skip]
const GONE: &[&str] = &[
    "script", "style", "title", "template", "textarea", "xmp", "iframe", "noembed", "noframes", "plaintext", "svg",
    "math", "object", "applet", "select", "audio", "video", "canvas", "button", "noscript",
];
/// Elements that have no end.
const VOID: [&str; 4] = ["br", "col", "hr", "img"];

/// HTML written anew.
pub(super) struct Rewritten {
    pub(super) html: String,
    pub(super) n_remote_images: u32,
    pub(super) n_proxied_images: u32,
    pub(super) is_cut: bool,
}

pub(super) fn rewrite(html: &str, proxy: Proxy<'_>) -> Rewritten {
    let mut end = html.len().min(MAX_BYTES);
    while !html.is_char_boundary(end) {
        end -= 1;
    }
    let mut writer = Writer::new(proxy, end < html.len());
    let mut rest = &html[..end];
    while let Some(at) = rest.find('<') {
        writer.text(&rest[..at]);
        rest = writer.markup(&rest[at..]);
        if writer.n_elements >= MAX_ELEMENTS {
            writer.is_cut |= !rest.is_empty();
            rest = "";
        }
    }
    writer.text(rest);
    writer.close_to(0);
    let Writer { out: html, n_remote_images, n_proxied_images, is_cut, .. } = writer;
    Rewritten { html, n_remote_images, n_proxied_images, is_cut }
}

struct Writer<'a> {
    proxy: Proxy<'a>,
    out: String,
    /// Where in it the piece of text at its end begins.
    piece: usize,
    open: Vec<&'static str>,
    n_elements: usize,
    n_remote_images: u32,
    n_proxied_images: u32,
    is_cut: bool,
}

impl<'a> Writer<'a> {
    fn new(proxy: Proxy<'a>, is_cut: bool) -> Self {
        let out = String::new();
        Self { proxy, out, piece: 0, open: Vec::new(), n_elements: 0, n_remote_images: 0, n_proxied_images: 0, is_cut }
    }

    fn text(&mut self, text: &str) {
        let is_blank = text.bytes().all(|byte| byte.is_ascii_whitespace());
        if !is_blank && self.open.last().is_some_and(|top| NO_TEXT.contains(top)) {
            self.out.push_str("<td>");
            self.piece = self.out.len();
            self.open.push("td");
        }
        for char in text.chars() {
            // Not inside of an entity. The library leaves comments out.
            if self.out.len() - self.piece > MAX_PIECE && (char == '&' || char.is_whitespace() || !char.is_ascii()) {
                self.out.push_str("<!---->");
                self.piece = self.out.len();
            }
            match char {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '\0' => {}
                char => self.out.push(char),
            }
        }
    }

    /// Reads what stands at a `<` and returns what follows it.
    fn markup<'x>(&mut self, html: &'x str) -> &'x str {
        if html.starts_with("<!--") {
            return html::after(html, "-->");
        }
        if html.starts_with("<!") || html.starts_with("<?") {
            return html::after(html, ">");
        }
        let closes = html[1..].starts_with('/');
        let name = html::tag_name(&html[1 + usize::from(closes)..]);
        if !name.starts_with(|char: char| char.is_ascii_alphabetic()) {
            // `</` before anything else begins a comment.
            if closes {
                return html::after(html, ">");
            }
            self.text("<");
            return &html[1..];
        }
        let (tag, rest) = html.split_at(html::tag_end(html));
        let name = name.to_ascii_lowercase();
        if GONE.contains(&name.as_str()) {
            let is_empty = closes || tag.ends_with("/>") && matches!(name.as_str(), "svg" | "math");
            return if is_empty { rest } else { html::skip_raw(rest, &name) };
        }
        let Some(name) = tags().find(|known| *known == name) else { return rest };
        if closes {
            self.close(name)
        } else {
            self.open(name, &tag[1 + name.len()..])
        }
        rest
    }

    fn open(&mut self, name: &'static str, attributes: &str) {
        self.close_implied(name);
        let is_void = VOID.contains(&name);
        if self.open.len() >= MAX_DEPTH && !is_void {
            return;
        }
        self.n_elements += 1;
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        let is_shown = self.attributes(name, attributes);
        self.out.push('>');
        if !is_shown {
            self.out.truncate(start);
            return;
        }
        self.piece = self.out.len();
        if !is_void {
            self.open.push(name);
        }
    }

    /// Ends what the next element ends by beginning.
    fn close_implied(&mut self, name: &str) {
        let Some(top) = self.open.last().copied() else { return };
        let is_over = match name {
            "li" => top == "li",
            "dt" | "dd" => matches!(top, "dt" | "dd"),
            "td" | "th" => matches!(top, "td" | "th"),
            "tr" => matches!(top, "tr" | "td" | "th"),
            "address" | "blockquote" | "center" | "div" | "dl" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "hr"
            | "ol" | "p" | "pre" | "table" | "ul" => top == "p",
            _ => false,
        };
        match name {
            // A link inside a link ends the outer one.
            "a" => self.close("a"),
            "tr" if is_over => {
                let row = self.open.iter().rposition(|open| matches!(*open, "tr" | "table"));
                let inside = row.map_or(0, |row| row + usize::from(self.open[row] == "table"));
                self.close_to(inside);
            }
            _ if is_over => self.close_to(self.open.len() - 1),
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|open| *open == name) {
            self.close_to(at);
        }
    }

    fn close_to(&mut self, depth: usize) {
        while self.open.len() > depth {
            if let Some(name) = self.open.pop() {
                self.out.push_str("</");
                self.out.push_str(name);
                self.out.push('>');
                self.piece = self.out.len();
            }
        }
    }

    /// Writes the attributes that may stay. Says whether the element is still worth showing: an image without a source is not.
    fn attributes(&mut self, name: &str, text: &str) -> bool {
        let mut seen: Vec<String> = Vec::new();
        let mut has_source = false;
        for (key, value) in Attributes(text).take(MAX_ATTRIBUTES) {
            let key = key.to_ascii_lowercase();
            // The first one counts, as in a browser.
            if seen.contains(&key) || value.len() > MAX_VALUE {
                continue;
            }
            let decoded = html::decode(value);
            self.n_remote_images += u32::from(loads(name, &key, &decoded));
            let kept = match (name, key.as_str()) {
                ("a", "href") => is_link(&decoded).then_some(decoded),
                ("img", "src") if starts_with(&decoded, "cid:") => Some(decoded),
                ("img", "src") => self.proxied(&decoded, text).map(Cow::Owned),
                (_, "style") => Some(style::keep(&decoded)).filter(|style| !style.is_empty()).map(Cow::Owned),
                (_, key) => attributes().any(|known| known == key).then_some(decoded),
            };
            if let Some(value) = kept {
                has_source |= key == "src";
                self.attribute(&key, &value);
            }
            seen.push(key);
        }
        name != "img" || has_source
    }

    /// The address by which an image is had that is not in the mail. One that nobody could see only counts readers.
    fn proxied(&mut self, source: &str, attributes: &str) -> Option<String> {
        let source = source.trim();
        if !is_remote(source) || self.n_proxied_images >= MAX_PROXIED || is_invisible(attributes) {
            return None;
        }
        let proxied = (self.proxy)(source)?;
        self.n_proxied_images += 1;
        Some(proxied)
    }

    fn attribute(&mut self, key: &str, value: &str) {
        self.out.push(' ');
        self.out.push_str(key);
        self.out.push_str("=\"");
        for char in value.chars() {
            match char {
                '"' => self.out.push_str("&quot;"),
                '&' => self.out.push_str("&amp;"),
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                char if char.is_control() => {}
                char => self.out.push(char),
            }
        }
        self.out.push('"');
    }
}

fn starts_with(value: &str, start: &str) -> bool {
    value.trim_start().get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
}

/// Whether an address is one that a person may be led to.
fn is_link(value: &str) -> bool {
    ["http:", "https:", "mailto:", "tel:"].iter().any(|scheme| starts_with(value, scheme))
}

/// Whether an address leads away from the mail.
fn is_remote(value: &str) -> bool {
    ["http:", "https:", "//"].iter().any(|start| starts_with(value, start))
}

/// Whether an image is at most a pixel wide or high by its attributes.
fn is_invisible(attributes: &str) -> bool {
    Attributes(attributes).take(MAX_ATTRIBUTES).any(|(key, value)| {
        let is_size = key.eq_ignore_ascii_case("width") || key.eq_ignore_ascii_case("height");
        is_size && matches!(value.trim().trim_end_matches("px"), "0" | "1")
    })
}

/// Whether a browser would load something from elsewhere.
fn loads(name: &str, key: &str, value: &str) -> bool {
    match key {
        "src" => name == "img" && is_remote(value),
        "background" => is_remote(value),
        "style" => value
            .to_ascii_lowercase()
            .split("url(")
            .skip(1)
            .any(|url| is_remote(url.trim_start_matches(['"', '\'', ' ']))),
        _ => false,
    }
}

/// The attributes in a tag, as a browser splits them: names and values, not yet decoded.
struct Attributes<'x>(&'x str);

impl<'x> Iterator for Attributes<'x> {
    type Item = (&'x str, &'x str);

    fn next(&mut self) -> Option<Self::Item> {
        let blank = |char: char| char.is_ascii_whitespace() || char == '/';
        let text = self.0.trim_start_matches(blank);
        if text.is_empty() || text == ">" {
            return None;
        }
        // A name may begin with `=`.
        let end = text.char_indices().skip(1).find(|(_, char)| blank(*char) || matches!(char, '=' | '>'));
        let (name, rest) = text.split_at(end.map_or(text.len(), |(at, _)| at));
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
            self.0 = rest;
            return Some((name, ""));
        };
        let (value, rest) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value
                .split_at(value.find(|char: char| char.is_ascii_whitespace() || char == '>').unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}
