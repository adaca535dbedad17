//! Documents made to cost much: fragments of which each spreads the next twice, so that expanding them never ends.

use std::fmt::Write;

/// How a fragment spreads the one with this number, twice.
type Form = fn(usize) -> String;

fn bomb(levels: usize, body: Form) -> String {
    let mut document = "{ ...F0 }".to_owned();
    for level in 0..levels {
        let _ = write!(document, " fragment F{level} on Query {{ {} }}", body(level + 1));
    }
    let _ = write!(document, " fragment F{levels} on Query {{ __typename }}");
    document
}

/// Bombs of three forms, each with its name.
pub(crate) fn bombs() -> Vec<(String, String)> {
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
    documents
}
