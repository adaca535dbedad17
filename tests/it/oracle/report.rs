//! What was compared, and how it went.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
    fs,
    path::Path,
};

use super::accepted::Accepted;

/// What must be equal, in per cent of what was compared, accepted differences counted as differences.
const TARGETS: [(&str, f64); 5] =
    [("subject", 99.5), ("sender", 99.5), ("date", 99.5), ("text", 98.0), ("instances", 99.0)];

/// Counts and differences.
#[derive(Default)]
pub(super) struct Report {
    /// By field: how many were equal, of how many.
    tallies: BTreeMap<&'static str, (usize, usize)>,
    differences: Vec<Difference>,
}

struct Difference {
    path: String,
    field: &'static str,
    expected: String,
    ours: String,
}

impl Report {
    /// Counts some of a field that are equal.
    pub(super) fn same(&mut self, field: &'static str, n: usize) {
        let tally = self.tallies.entry(field).or_default();
        *tally = (tally.0 + n, tally.1 + n);
    }

    /// Counts some of a field of one file that differ.
    pub(super) fn differ(&mut self, path: &str, field: &'static str, n: usize, expected: String, ours: String) {
        self.tallies.entry(field).or_default().1 += n;
        self.differences.push(Difference { path: path.to_owned(), field, expected, ours });
    }

    /// Counts a field of one file.
    pub(super) fn compare<T: PartialEq + std::fmt::Debug>(
        &mut self,
        path: &str,
        field: &'static str,
        expected: &T,
        ours: &T,
    ) {
        match expected == ours {
            true => self.same(field, 1),
            false => self.differ(path, field, 1, format!("{expected:?}"), format!("{ours:?}")),
        }
    }

    /// Fails on every difference that is not accepted, on every accepted one that is none, and on a target missed.
    pub(super) fn judge(&self, accepted: &Accepted) {
        let key = |one: &Difference| (one.path.clone(), one.field.to_owned());
        let mut failed = String::new();
        let mut by_reason: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &self.differences {
            match accepted.get(&key(one)) {
                Some(reason) => *by_reason.entry(reason).or_default() += 1,
                None => {
                    let _ = writeln!(
                        failed,
                        "{} {}\n  oracle {}\n  ours   {}",
                        one.path, one.field, one.expected, one.ours
                    );
                }
            }
        }
        let found: BTreeSet<_> = self.differences.iter().map(key).collect();
        for (path, field) in accepted.keys().filter(|known| !found.contains(known)) {
            let _ = writeln!(failed, "{path} {field}\n  is named as a difference, and is none");
        }
        let table = self.table();
        eprintln!("{table}");
        for (reason, n) in by_reason {
            eprintln!("{n:5} accepted: {reason}");
        }
        for (field, target) in TARGETS {
            if self.tallies.get(field).is_none_or(|tally| percent(*tally) < target) {
                let _ = writeln!(failed, "{field} misses its target of {target} %");
            }
        }
        if !failed.is_empty() {
            let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join("oracle.txt");
            fs::write(&list, &failed).expect("the list of differences");
            let head: String = failed.chars().take(20_000).collect();
            panic!("{head}\n\nall of it: {}\n{table}", list.display());
        }
    }

    fn table(&self) -> String {
        let mut table = format!("{:<14} {:>9} {:>9} {:>10}\n", "field", "compared", "equal", "per cent");
        for (field, tally) in &self.tallies {
            let _ = writeln!(table, "{field:<14} {:>9} {:>9} {:>10.2}", tally.1, tally.0, percent(*tally));
        }
        table
    }
}

fn percent((equal, of): (usize, usize)) -> f64 {
    if of == 0 { 100.0 } else { 100.0 * equal as f64 / of as f64 }
}
