//! HTML of mail that can do nothing: no script, no form, no style but plain ones, and nothing that is loaded from elsewhere.
//!
//! `ammonia` decides what may stay. It builds a tree, whose cost is quadratic in nesting and multiplied by elements that stay
//! open, so what it is given is written anew before: nested at most so deep, every element closed, and not too much of it.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use ammonia::{Builder, UrlRelative};

use self::rewrite::Rewritten;

mod rewrite;
mod style;

/// Gives the address by which an image elsewhere is had, if it may be.
type Proxy<'a> = &'a dyn Fn(&str) -> Option<String>;

/// HTML that a browser may show.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sanitized {
    /// A fragment for the inside of a `div`. Links open elsewhere and tell nobody where they were clicked; images are only those
    /// that came with the mail, under `cid:` addresses, which no browser loads by itself, and those that have a proxy.
    pub html: String,
    /// How many images and backgrounds would have been loaded from elsewhere.
    pub n_remote_images: u32,
    /// Of these, how many are there under the address of a proxy. All others are gone.
    pub n_proxied_images: u32,
    /// Whether it is only the beginning: the rest was too much.
    pub is_cut: bool,
}

/// Elements that may stay. What is in others stays without them; scripts and the like go with their content.
#[rustfmt::skip]
const TAGS: &[&str] = &[
    "a", "abbr", "address", "b", "bdo", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "dfn", "div", "dl", "dt", "em", "font", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i",
    "img", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup",
    "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt", "u", "ul", "var",
];

/// Attributes that every element may have.
#[rustfmt::skip]
const ATTRIBUTES: &[&str] = &[
    "align", "alt", "bgcolor", "border", "cellpadding", "cellspacing", "color", "colspan", "dir", "face", "height",
    "lang", "rowspan", "style", "size", "start", "title", "type", "valign", "width",
];

static AMMONIA: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let mut builder = Builder::empty();
    builder
        .tags(tags().collect())
        .generic_attributes(attributes().collect())
        .tag_attributes(HashMap::from([("a", HashSet::from(["href"])), ("img", HashSet::from(["src"]))]))
        .set_tag_attribute_value("a", "target", "_blank")
        .link_rel(Some("noopener noreferrer nofollow"))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel", "cid"]))
        .url_relative(UrlRelative::Deny)
        .filter_style_properties(style::PROPERTIES.iter().copied().collect())
        .clean_content_tags(HashSet::from(["script", "style"]));
    builder
});

fn tags() -> impl Iterator<Item = &'static str> {
    TAGS.iter().copied()
}

fn attributes() -> impl Iterator<Item = &'static str> {
    ATTRIBUTES.iter().copied()
}

/// Makes HTML harmless, in linear time.
pub(super) fn sanitize(html: &str, proxy: Proxy<'_>) -> Sanitized {
    let rewritten = rewrite::rewrite(html, proxy);
    let html = AMMONIA.clean(&rewritten.html).to_string();
    let Rewritten { n_remote_images, n_proxied_images, is_cut, .. } = rewritten;
    Sanitized { html, n_remote_images, n_proxied_images, is_cut }
}

#[cfg(test)]
mod tests;
