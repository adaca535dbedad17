//! The summary: a line for each case, and what was wrong with which seed.

use std::fmt::{self, Display, Formatter};

use super::judge::Found;

/// What the runs of one case came to.
pub(super) struct Row {
    case: &'static str,
    runs: usize,
    met: usize,
    lost: usize,
    doubled: usize,
    stuck: usize,
    wrong: usize,
    /// Seeds whose trouble came too late.
    unmet: Vec<u64>,
    notes: Vec<String>,
}

impl Row {
    pub(super) fn new(case: &'static str) -> Self {
        Self { case, runs: 0, met: 0, lost: 0, doubled: 0, stuck: 0, wrong: 0, unmet: Vec::new(), notes: Vec::new() }
    }

    pub(super) fn add(&mut self, seed: u64, found: Found) {
        self.runs += 1;
        self.met += usize::from(found.met);
        self.unmet.extend((!found.met).then_some(seed));
        self.lost += found.lost;
        self.doubled += found.doubled;
        self.stuck += usize::from(found.stuck);
        self.wrong += found.wrong;
        self.notes.extend(found.notes.into_iter().map(|note| format!("seed {seed}: {note}")));
    }
}

impl Display for Row {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { case, runs, met, lost, doubled, stuck, wrong, unmet, notes } = self;
        write!(f, "| {case:<46} | {runs:>4} | {met:>4} | {lost:>4} | {doubled:>7} | {stuck:>5} | {wrong:>5} |")?;
        if !unmet.is_empty() {
            write!(f, "\n    nothing left to disturb with seeds {unmet:?}")?;
        }
        notes.iter().try_for_each(|note| write!(f, "\n    {note}"))
    }
}

/// All cases.
#[derive(Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    pub(super) const HEAD: &str = "\
| case                                           | runs |  met | lost | doubled | stuck | wrong |
|------------------------------------------------|-----:|-----:|-----:|--------:|------:|------:|";

    pub(super) fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Whether nothing was lost, doubled, stuck or wrong.
    pub(super) fn is_clean(&self) -> bool {
        self.0.iter().all(|row| row.lost + row.doubled + row.stuck + row.wrong == 0)
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(Self::HEAD)?;
        self.0.iter().try_for_each(|row| write!(f, "\n{row}"))?;
        let mut sum = Row::new("all");
        for row in &self.0 {
            sum.runs += row.runs;
            sum.met += row.met;
            sum.lost += row.lost;
            sum.doubled += row.doubled;
            sum.stuck += row.stuck;
            sum.wrong += row.wrong;
        }
        write!(f, "\n{sum}")
    }
}
