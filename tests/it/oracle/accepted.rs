//! The differences that we accept: a reason on a line of its own, and below it, indented, what it excuses.

use std::{collections::BTreeMap, fs, path::Path};

/// Reasons by what they excuse: path and field.
pub(super) type Accepted = BTreeMap<(String, String), String>;

/// Reads the file of accepted differences. Empty lines and lines that begin with `#` say nothing.
pub(super) fn read(file: &Path) -> Accepted {
    let text = fs::read_to_string(file).expect("the accepted differences");
    let (mut reason, mut accepted) = (None, Accepted::new());
    for line in text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        let Some(entry) = line.strip_prefix("    ") else {
            assert!(line.ends_with('.'), "a reason is a sentence: {line}");
            reason = Some(line.to_owned());
            continue;
        };
        // Paths have blanks in them; fields have not.
        let (path, field) = entry.rsplit_once(' ').unwrap_or_else(|| panic!("no field: {line}"));
        let reason = reason.clone().unwrap_or_else(|| panic!("no reason: {line}"));
        let known = accepted.insert((path.trim().to_owned(), field.to_owned()), reason);
        assert!(known.is_none(), "named twice: {line}");
    }
    accepted
}
