//! How long the check takes that stands before the library's own: `script/bench precheck`.
//!
//! The documents are the bombs that keep async-graphql busy for seconds, the largest of what is refused for other reasons, and
//! an ordinary page of a timeline to compare with.

use std::{fmt::Write, hint::black_box, time::Duration};

use async_graphql::Request;
use criterion::Criterion;
use omnisync::{config, graphql::precheck::Lately};

/// How a fragment spreads the one with this number, twice.
type Form = fn(usize) -> String;

/// Fragments of which each spreads the next twice.
fn bomb(levels: usize, body: Form) -> String {
    let mut document = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let _ = write!(document, " fragment F{level} on Query {{ {} }}", body(level + 1));
    }
    let _ = write!(document, " fragment F{levels} on Query {{ __typename }}");
    document
}

fn documents() -> Vec<(String, String)> {
    let forms: [(&str, Form); 3] = [
        ("spreads", |next| format!("...F{next} ...F{next}")),
        ("aliases", |next| format!("a: x {{ ...F{next} }} b: x {{ ...F{next} }}")),
        ("inline fragments", |next| format!("... on Query {{ ...F{next} }} ... {{ ...F{next} }}")),
    ];
    let mut documents = Vec::new();
    for (form, body) in forms {
        for levels in [10, 22, 30, 49, 60] {
            documents.push((format!("bomb of {form}, {levels} levels"), bomb(levels, body)));
        }
    }
    let page = "query Page($after: String) { timeline(first: 25, after: $after) { edges { cursor node { ...I } }
        pageInfo { hasNextPage endCursor } } } fragment I on Interaction { id subject snippet participants { name address } }";
    documents.extend([
        ("page of a timeline".to_owned(), page.to_owned()),
        ("as many fields as may be".to_owned(), format!("{{ {} }}", "a ".repeat(3_998))),
        ("as many bytes as may be, of one string".to_owned(), format!("{{ a(x: \"{}\") }}", "x".repeat(65_000))),
        ("lists within lists".to_owned(), format!("{{ {} }}", "a(x: [[[[[[[[[1]]]]]]]]]) ".repeat(170))),
        ("brackets alone".to_owned(), "{".repeat(60_000)),
    ]);
    documents
}

fn main() {
    let config = config::GraphQl::default();
    let second = Duration::from_secs(1);
    let mut criterion = Criterion::default().warm_up_time(second / 2).measurement_time(second);
    let mut group = criterion.benchmark_group("precheck");
    for (name, document) in documents() {
        group.bench_function(name, |bencher| {
            // As of a document that was never met.
            let check = |request: &mut Request| Lately::default().check(request, &config);
            bencher.iter(|| black_box(check(&mut Request::new(black_box(document.as_str())))));
        });
    }
    group.finish();
    criterion.final_summary();
}
