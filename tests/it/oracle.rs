//! An independent oracle: Python's `email` and the calendar libraries of its community read the corpus, too. Every
//! difference is mended, or named with its reason in `tests/oracle/accepted.txt`.

mod accepted;
mod mail;
mod meeting;
mod report;

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    corpus::corpus,
    support::{python, say_unchecked},
};
use report::Report;

/// Where the oracle is described.
fn described() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oracle")
}

/// What the oracle says of the corpus, a line at a time, while it still reads.
fn ask(python: &Path, corpus: &Path, mut look: impl FnMut(Value)) {
    let mut oracle = Command::new(python);
    let oracle = oracle.arg(described().join("oracle.py")).arg(corpus).stdout(Stdio::piped());
    let mut oracle = oracle.spawn().expect("Python runs");
    for line in BufReader::new(oracle.stdout.take().expect("a pipe")).lines() {
        look(serde_json::from_str(&line.expect("text")).expect("JSON"));
    }
    assert!(oracle.wait().expect("it ends").success());
}

#[tokio::test]
async fn mail_and_meetings_are_what_an_independent_oracle_reads() {
    let Some(corpus) = corpus() else {
        return say_unchecked("the normalizer against the oracle", "the corpus is not beside this checkout");
    };
    let python = match python(&described()).await {
        Ok(python) => python,
        Err(why) => return say_unchecked("the normalizer against the oracle", &why),
    };
    let mut report = Report::default();
    ask(&python, &corpus, |expected| match expected.get("raw") {
        Some(_) => mail::compare(&expected, &mut report),
        None => meeting::compare(&expected, &mut report),
    });
    report.judge(&accepted::read(&described().join("accepted.txt")));
}
