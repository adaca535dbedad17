use std::{fs, path::Path, time::Instant};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;

/// No proxy.
fn gone(_: &str) -> Option<String> {
    None
}

fn clean(html: &str) -> String {
    sanitize(html, &gone).html
}

/// Everything that must hold of what a browser is given.
fn check(html: &str) {
    let once = clean(html);
    check_tags(html, &once);
    // Whoever reads it anew may find that an element stands elsewhere, and nothing that acts.
    check_tags(html, &clean(&once));
    check_tags(html, &ammonia_again(&once));
}

/// Nothing but known elements with known attributes, whose values are harmless.
fn check_tags(html: &str, clean: &str) {
    let lower = clean.to_ascii_lowercase();
    // Tags as a tree has them, not as text has them: every `<` in the output begins one.
    for tag in lower.split('<').skip(1).map(|rest| rest.split('>').next().unwrap_or_default()) {
        let name = tag.trim_start_matches('/').split([' ', '/']).next().unwrap_or_default();
        assert!(tags().any(|known| known == name), "element {name:?} of {html:?}");
        let attributes = tag.split_once(' ').map_or("", |(_, attributes)| attributes);
        let mut rest = attributes;
        while let Some((key, after)) = rest.split_once("=\"") {
            let (value, after) = after.split_once('"').expect("a quoted value");
            let key = key.trim();
            let is_known = attributes_of(name).contains(&key);
            assert!(is_known && !key.starts_with("on"), "attribute {key:?} of {html:?}");
            let value = value.replace("&amp;", "&");
            match key {
                "href" => assert!(
                    ["http:", "https:", "mailto:", "tel:"].iter().any(|scheme| value.trim_start().starts_with(scheme)),
                    "{value} of {html:?}"
                ),
                "src" => assert!(value.starts_with("cid:"), "{value} of {html:?}"),
                "style" => assert!(
                    !value.contains("url") && !value.contains('\\') && !value.contains("expression"),
                    "{value} of {html:?}"
                ),
                _ => {}
            }
            rest = after;
        }
    }
}

fn attributes_of(name: &str) -> Vec<&'static str> {
    let own = match name {
        "a" => ["href", "target", "rel"].as_slice(),
        "img" => ["src"].as_slice(),
        _ => [].as_slice(),
    };
    attributes().chain(own.iter().copied()).collect()
}

/// The output read by `ammonia` without the pass before it.
fn ammonia_again(html: &str) -> String {
    AMMONIA.clean(html).to_string()
}

#[test]
fn harmless_html_stays() {
    for (html, wanted) in [
        ("<p>Hello <b>you</b><br>there", "<p>Hello <b>you</b><br>there</p>"),
        (
            "<a href='https://example.org/?a=1&b=2'>x</a>",
            "<a href=\"https://example.org/?a=1&amp;b=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>",
        ),
        (
            "<a href=mailto:ada@example.org>x</a>",
            "<a href=\"mailto:ada@example.org\" target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>",
        ),
        ("<img src=\"cid:1@x\" alt=logo>", "<img src=\"cid:1@x\" alt=\"logo\">"),
        ("<p style=\"color:red;position:fixed\">x</p>", "<p style=\"color:red\">x</p>"),
        (
            "<table border=1><tr><td>a<td>b<tr><td>c</table>",
            "<table border=\"1\"><tbody><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></tbody></table>",
        ),
        (
            "<table>a<tr>b<td>c</table>",
            "<table><tbody><tr><td>a</td></tr><tr><td>b</td><td>c</td></tr></tbody></table>",
        ),
        ("<ul><li>a<li>b</ul>c", "<ul><li>a</li><li>b</li></ul>c"),
        ("1 &lt; 2 &amp; 3 < 4", "1 &lt; 2 &amp; 3 &lt; 4"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
    ] {
        assert_eq!(clean(html), wanted, "{html}");
        check(html);
    }
}

#[test]
fn what_acts_or_loads_goes() {
    for (html, wanted) in [
        ("a<script>alert(1)</script>b", "ab"),
        ("<p onclick=alert(1)>x</p>", "<p>x</p>"),
        ("<a href=\"javascript:alert(1)\">x</a>", "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"),
        ("<a href=\" java\nscript:alert(1)\">x</a>", "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a>"),
        (
            "<a href=\"data:text/html,x\">x</a><a href=/x>y</a>",
            "<a target=\"_blank\" rel=\"noopener noreferrer nofollow\">x</a><a target=\"_blank\" rel=\"noopener noreferrer nofollow\">y</a>",
        ),
        ("<form action=x><input name=a><button>go</button>text</form>", "text"),
        ("<svg><script>x</script><p>y</svg>z", "z"),
        ("<math><mtext><style><img src=x onerror=alert(1)></style></math>z", "z"),
        ("<base href=//evil><meta http-equiv=refresh content=0><link rel=stylesheet href=x>y", "y"),
        ("<style>@import 'x'</style><iframe src=x></iframe><object data=x>y</object><embed src=x>z", "z"),
        ("<img src=http://x/t.gif width=1 height=1>y<img src=\"data:image/png;base64,xx\">", "y"),
        ("<!--[if mso]><p>x</p><![endif]--><!-->y", "y"),
        ("<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\"></noscript>z", "\"&gt;z"),
        ("<div id=x class=y name=z>a</div>", "<div>a</div>"),
    ] {
        assert_eq!(clean(html), wanted, "{html}");
        check(html);
    }
}

#[test]
fn remote_images_are_counted() {
    let html = "<img src=https://a/1><IMG SRC='//b/2'><img src=cid:3><td background=http://c/4>x<p style=\"background:url('https://d/5')\">";
    assert_eq!(sanitize(html, &gone).n_remote_images, 4);
}

#[test]
fn too_much_is_cut_and_said_so() {
    let start = Instant::now();
    let nested = sanitize(&("<div>".repeat(100_000) + "x"), &gone);
    assert!(nested.html.contains('x') && !nested.is_cut && nested.html.len() < 2_000);
    for unit in [
        "<div>",
        "<b><p>",
        "<a href=x><table>",
        "<font color=red>x",
        "<p>x",
        "<td>",
        "<!--",
        "<svg>",
        "<a b=\"",
        "<p a='<b>",
        "&",
        "</p>",
        "£",
        "&nbsp;",
        "<table>&",
        "<tr>\u{a0}",
        "<li><ul>",
        "x",
    ] {
        let found = sanitize(&unit.repeat((3 << 20) / unit.len()), &gone);
        assert!(found.html.len() < 11 << 20, "{unit}");
    }
    assert!(sanitize(&"x".repeat(3 << 20), &gone).is_cut && !sanitize("x", &gone).is_cut);
    // Forty megabytes; a tree that is quadratic in them would take days.
    assert!(start.elapsed().as_secs() < 300);
}

#[derive(Deserialize)]
struct Fixture {
    payload: String,
}

#[test]
fn the_hostile_corpus_is_harmless() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus");
    if !corpus.is_dir() {
        return println!("skipped: there is no corpus of HTML beside this repository");
    }
    let mut n = 0;
    for entry in fs::read_dir(corpus.join("html-hostile/dompurify")).unwrap() {
        let fixtures: Vec<Fixture> = serde_json::from_slice(&fs::read(entry.unwrap().path()).unwrap()).unwrap();
        n += fixtures.len();
        fixtures.iter().for_each(|fixture| check(&fixture.payload));
    }
    let mut folders = vec![corpus.join("html")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                n += 1;
                check(&String::from_utf8_lossy(&fs::read(path).unwrap()));
            }
        }
    }
    println!("{n} documents");
}

proptest! {
    #[test]
    fn any_html_is_harmless(html in "(<|>|</|<!--|-->|--!>|\"|'|=|/| |&|&lt;|&#x3c;|;|a|p|b|table|td|tr|svg|math|style|script|title|textarea|noscript|img|src=|href=|onerror=|javascript:|style=|url\\(|cid:|<a |<p>|<table>|<td>|<li>|<form>|<select>|<option>|<svg>|<math>|\u{0}|é|.){0,50}") {
        check(&html);
    }
}

#[test]
fn an_image_from_elsewhere_comes_through_the_proxy_unless_nobody_could_see_it() {
    let proxy = |source: &str| Some(format!("https://proxy.example/{}", source.len()));
    let found = sanitize(
        "<img src='https://a.example/logo.png' alt=Logo><img width=1 height=1 src=https://a.example/p.gif><img src=//b.example/x.png>\
         <img src='data:image/png;base64,AA'><img src=cid:logo><div background=https://c.example/d.png>x</div>",
        &proxy,
    );
    assert_eq!((found.n_remote_images, found.n_proxied_images), (4, 2), "{}", found.html);
    assert_eq!(found.html.matches("https://proxy.example/").count(), 2, "{}", found.html);
    assert!(
        !found.html.contains(".example/p") && !found.html.contains("c.example") && found.html.contains("alt=\"Logo\"")
    );
    let many = sanitize(&"<img src=https://a.example/x.png>".repeat(300), &proxy);
    assert_eq!((many.n_remote_images, many.n_proxied_images), (300, 200));
}
