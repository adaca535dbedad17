//! What rebuilding interactions from their raw events has changed, in numbers.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use serde::{Deserialize, Serialize};

/// A row: each field's name with a hash of its value, which tells whether it has changed and nothing of what it is.
pub type Fingerprint = BTreeMap<String, Option<String>>;

/// Rows by their group and occurrence.
pub type Fingerprints = HashMap<(String, String), Fingerprint>;

/// The difference between rows before and after.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Rows there are now.
    pub rows: u64,
    /// Rows that were not there before.
    pub added: u64,
    /// Rows that are there no more.
    pub removed: u64,
    /// Rows in which something differs.
    pub changed: u64,
    /// In how many rows each field differs.
    pub fields: BTreeMap<String, u64>,
}

impl Changes {
    /// Compares the rows before and after.
    pub fn between(before: &Fingerprints, after: &Fingerprints) -> Self {
        let mut changes = Self { rows: after.len() as u64, ..Self::default() };
        changes.removed = before.keys().filter(|key| !after.contains_key(key)).count() as u64;
        for (key, new) in after {
            let Some(old) = before.get(key) else {
                changes.added += 1;
                continue;
            };
            let names = new.keys().chain(old.keys().filter(|name| !new.contains_key(*name)));
            let different: Vec<_> = names.filter(|name| new.get(*name) != old.get(*name)).collect();
            changes.changed += u64::from(!different.is_empty());
            different.into_iter().for_each(|name| *changes.fields.entry(name.clone()).or_default() += 1);
        }
        changes
    }

    /// Adds what was found elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.added += other.added;
        self.removed += other.removed;
        self.changed += other.changed;
        for (name, n) in &other.fields {
            *self.fields.entry(name.clone()).or_default() += n;
        }
    }
}

impl fmt::Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, added, removed, changed, fields } = self;
        write!(f, "{rows} rows: {added} added, {removed} removed, {changed} changed")?;
        fields.iter().try_for_each(|(name, n)| write!(f, "\n  {name}: {n}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[(&str, &[(&str, &str)])]) -> Fingerprints {
        let fields = |fields: &[(&str, &str)]| {
            fields.iter().map(|(name, hash)| ((*name).to_owned(), Some((*hash).to_owned()))).collect()
        };
        rows.iter().map(|(group, row)| (((*group).to_owned(), String::new()), fields(row))).collect()
    }

    #[test]
    fn every_difference_is_counted_once_for_its_row_and_once_for_its_field() {
        let before =
            rows(&[("same", &[("a", "1")]), ("lost", &[]), ("other", &[("a", "1"), ("b", "1"), ("old", "1")])]);
        let after = rows(&[("same", &[("a", "1")]), ("new", &[]), ("other", &[("a", "2"), ("b", "1"), ("c", "1")])]);
        let mut changes = Changes::between(&before, &after);
        let fields = ["a", "c", "old"].map(|name| (name.to_owned(), 1));
        assert_eq!(changes, Changes { rows: 3, added: 1, removed: 1, changed: 1, fields: fields.into() });
        assert_eq!(Changes::between(&after, &after), Changes { rows: 3, ..Changes::default() });
        changes.add(&changes.clone());
        assert_eq!(changes.to_string(), "6 rows: 2 added, 2 removed, 2 changed\n  a: 2\n  c: 2\n  old: 2");
    }
}
