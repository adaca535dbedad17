//! Styles that change how text looks, and nothing else: they place nothing, cover nothing and load nothing.

/// The properties that may stay.
#[rustfmt::skip]
pub(super) const PROPERTIES: &[&str] = &[
    "background-color", "border", "border-bottom", "border-bottom-color", "border-bottom-style", "border-bottom-width",
    "border-collapse", "border-color", "border-left", "border-left-color", "border-left-style", "border-left-width",
    "border-right", "border-right-color", "border-right-style", "border-right-width", "border-spacing", "border-style",
    "border-top", "border-top-color", "border-top-style", "border-top-width", "border-width", "color", "font",
    "font-family", "font-size", "font-style", "font-variant", "font-weight", "letter-spacing", "line-height",
    "padding", "text-align", "text-decoration", "text-indent", "vertical-align", "white-space",
];

/// The longest value of a property kept, in bytes.
const MAX_VALUE: usize = 200;

/// The declarations of a `style` attribute that may stay.
pub(super) fn keep(style: &str) -> String {
    let declarations = style.split(';').filter_map(|declaration| {
        let (name, value) = declaration.split_once(':')?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim());
        (PROPERTIES.contains(&name.as_str()) && is_plain(value)).then(|| format!("{name}:{value}"))
    });
    declarations.collect::<Vec<_>>().join(";")
}

/// Whether a value is words, numbers and colours: nothing is called but the functions of colours, and nothing is escaped.
fn is_plain(value: &str) -> bool {
    let is_ok = |char: char| {
        char.is_ascii_alphanumeric() || matches!(char, ' ' | '#' | '%' | '.' | ',' | '-' | '!' | '(' | ')')
    };
    let mut calls = value.split('(');
    let last = calls.next_back();
    let are_colours = calls.all(|before| {
        let name = before.trim_end().rsplit(|char: char| !char.is_ascii_alphanumeric()).next().unwrap_or_default();
        ["rgb", "rgba", "hsl", "hsla"].iter().any(|colour| name.eq_ignore_ascii_case(colour))
    });
    // Negative lengths move text over other text.
    let is_negative = value.split([' ', ',', '(']).any(|word| word.starts_with('-') && word.len() > 1);
    last.is_some()
        && !value.is_empty()
        && value.len() <= MAX_VALUE
        && value.chars().all(is_ok)
        && are_colours
        && !is_negative
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_are_plain() {
        for (style, kept) in [
            ("color: red; font-size:12px", "color:red;font-size:12px"),
            ("COLOR:RGB(1, 2, 3);Border:1px solid #ccc", "color:RGB(1, 2, 3);border:1px solid #ccc"),
            ("position:fixed;top:0;color:red", "color:red"),
            ("background:url(http://x);background-color:url(x)", ""),
            ("color:expression(alert(1));color:var(--x);font:12px \\75rl(x)", ""),
            ("font-family:Arial, sans-serif;text-indent:-9999px", "font-family:Arial, sans-serif"),
            ("color", ""),
            ("color:rgb(url(x))", ""),
        ] {
            assert_eq!(keep(style), kept, "{style}");
        }
    }
}
