use std::time::Instant;

use proptest::prelude::*;

use super::*;

#[test]
fn html_becomes_readable_text() {
    for (html, text) in [
        ("<p>Hello <b>you</b>,</p><p>bye", "Hello you,\n\nbye"),
        ("a<br>b<br/><br />c", "a\nb\n\nc"),
        ("<ul><li>one<li>two</ul>x", "* one\n* two\nx"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c", "a b\nc"),
        ("<style>p{}</style><script>if (a </b) </script>x<!-- <p> -->y", "xy"),
        ("<a title=\"a > b\" href='x'>link</a>", "link"),
        ("a &amp; b &lt;c&gt; &#x41;&#66; &nbsp; &nosuch; &", "a & b <c> AB &nosuch; &"),
        ("1 < 2 and 3 <4", "1 < 2 and 3 <4"),
        ("a<>b</>c</ d>e<x-y>f</", "a<>bcef</"),
        ("<pre>a\nb</pre>", "a\nb"),
        ("<script>never closed", ""),
        ("<TITLE>x</TITLE><BODY>y", "y"),
        ("<ol><li>a<ul><li>b</ul><li>c</ol><ol start=7><li>d", "1. a\n* b\n2. c\n7. d"),
        ("a\u{200b}\u{feff}&#847;&shy;b", "ab"),
        ("<img src=x alt='Our &amp; sale'><br><img alt=now>", "Our & sale\nnow"),
        ("<img alt=logo>Hello", "Hello"),
        ("<select><option>a<option>b</select>c<svg><text>d</text></svg>", "c"),
    ] {
        assert_eq!(to_text(html, 1000), text, "{html}");
    }
}

#[test]
fn what_is_styled_invisible_is_not_read() {
    for (html, text) in [
        ("<div style='display:none;font-size:1px'>teaser<div>x</div></div>Hello", "Hello"),
        ("<span style=\"max-height:0px; OVERFLOW: hidden !important\">teaser</span>Hello", "Hello"),
        ("<p style='visibility: hidden'>teaser<p>Hello", "Hello"),
        ("<table><tr><td style='display:none'><table><tr><td>a</table>b<td>Hello</table>", "Hello"),
        ("<div hidden>x</div><i style='opacity:0.0'>y</i>Hello", "Hello"),
        ("<td style='font-size:0px'><div style='font-size:13px'>Hello</div></td>", "Hello"),
        ("<div style='max-height:0.5em;overflow:hidden'>Hello</div>", "Hello"),
        ("<div title='style=display:none'>Hello</div>", "Hello"),
        ("<body style='display:none'>Hello</body>", "Hello"),
        // Never closed: shown after all.
        ("<div>a<div style='display:none'>Hello<p>you", "a\nHello\n\nyou"),
        ("<div style='display:none'>a<script>'</div>'</script></div>Hello", "Hello"),
        ("<input style='display:none'>Hello", "Hello"),
    ] {
        assert_eq!(to_text(html, 1000), text, "{html}");
    }
}

#[test]
fn a_description_says_by_its_tags_that_it_is_html() {
    assert!(is_html("see <a href=\"x\">this</a>") && is_html("a<br>b"));
    assert!(!is_html("a < b > c") && !is_html("<ada@example.com>, <a@example.com>") && !is_html("if a <b"));
}

#[test]
fn hostile_html_takes_linear_time() {
    let start = Instant::now();
    for unit in [
        "<div hidden>",
        "<p hidden>",
        "<a style='",
        "<ol><li>",
        "<img alt=x>",
        "<div>",
        "<font a=1>",
        "</",
        "<!--",
        "<script>",
        "</script",
        "&",
        "&#",
        "<a b='",
        "<p",
    ] {
        to_text(&unit.repeat(300_000 / unit.len()), 1 << 20);
    }
    // Three megabytes in all; a quadratic path would take minutes.
    assert!(start.elapsed().as_secs() < 10);
}

proptest! {
    #[test]
    fn any_input_is_read(html in "(<|>|&|;|/|-|!|\"|=|p|pre|script|style| |é|\u{0}|.){0,60}") {
        to_text(&html, 1000);
        is_html(&html);
    }
}
