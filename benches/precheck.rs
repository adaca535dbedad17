//! How long the check takes that stands before the library's own: `script/bench precheck`.
//!
//! The documents are the bombs that keep async-graphql busy for seconds, the largest of what is refused for other reasons, and
//! an ordinary page of a timeline to compare with.

use std::{hint::black_box, time::Duration};

use async_graphql::Request;
use criterion::Criterion;
use omnisync::{config, graphql::precheck::Lately};

#[path = "measure/bombs.rs"]
mod bombs;

fn documents() -> Vec<(String, String)> {
    let mut documents = bombs::bombs();
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
