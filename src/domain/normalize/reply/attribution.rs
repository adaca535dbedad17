//! The lines that introduce a quotation: "On Monday, Ada wrote:".

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{
    Line,
    words::{ON, WROTE},
};

/// How many lines such an introduction has at most: programs wrap it.
pub(super) const MAX_LINES: usize = 4;
/// How long it is at most, in bytes.
const MAX_BYTES: usize = 600;

/// The first line of the introduction that ends with line `last`; `None` when none ends there. `quoted_follows` says whether a
/// quotation comes next; without one, the introduction must leave no doubt.
pub(super) fn start(lines: &[Line<'_>], last: usize, quoted_follows: bool) -> Option<usize> {
    let mut joined = String::new();
    let mut found = None;
    for first in (last.saturating_sub(MAX_LINES - 1)..=last).rev() {
        let line = bare(lines[first].text);
        if line.is_empty() || lines[first].is_quoted || joined.len() + line.len() > MAX_BYTES {
            break;
        }
        let line = line.to_lowercase();
        joined = if joined.is_empty() { line.clone() } else { format!("{line} {joined}") };
        if introduces(&joined, quoted_follows) && !shares_line(&joined) {
            if begins(&line) {
                return Some(first);
            }
            // What stands above may be its beginning, or the author's own words.
            found = found.or(Some(first));
        }
    }
    found
}

/// A line without the signs of emphasis and direction around it.
fn bare(line: &str) -> &str {
    line.trim_matches(|char: char| {
        char.is_whitespace()
            || matches!(char, '*' | '_' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{feff}')
    })
}

/// Whether a line can be the last one of an introduction; a cheap look that most lines fail. Before a quotation, any can.
pub(super) fn may_end(line: &str, quoted_follows: bool) -> bool {
    let line = bare(line);
    (quoted_follows && line.len() <= MAX_BYTES) || line.ends_with([':', '：']) || line.ends_with("----")
}

/// Whether a line certainly ends an introduction.
pub(super) fn ends(line: &str) -> bool {
    let line = bare(line);
    line.ends_with([':', '：']) && verb_end(&line.to_lowercase()).is_some()
}

/// Whether a lower-case line begins as introductions do: with such a word, or with a date.
fn begins(line: &str) -> bool {
    let line = line.trim_start_matches(['-', ' ']);
    let begins_with_digit = line.starts_with(|char: char| char.is_ascii_digit());
    let has_digit = || line.contains(|char: char| char.is_ascii_digit());
    (begins_with_digit && has_date(line)) || (ON.iter().any(|on| line.starts_with(on)) && has_digit())
}

/// Whether the introduction begins in the middle of a line, below the last words of the author.
fn shares_line(text: &str) -> bool {
    const DAYS: [&str; 19] = [
        "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep",
        "oct", "nov", "dec",
    ];
    text.match_indices("on ").any(|(at, on)| {
        let (before, after) = (&text[..at], &text[at + on.len()..]);
        let is_date =
            after.starts_with(|char: char| char.is_ascii_digit()) || DAYS.iter().any(|day| after.starts_with(day));
        let is_word = before.ends_with([' ', '-']);
        is_date
            && is_word
            && before.contains(char::is_alphabetic)
            && !before.contains('@')
            && verb_end(before).is_none()
    })
}

/// Verbs that stand before the name, without an address, in their languages.
const NAME_FOLLOWS: [&str; 6] = ["schrieb ", "schreef ", "skrev ", "kirjutas ", "ysgrifennodd ", "skryf "];

/// Whether a lower-case text is an introduction.
fn introduces(text: &str, quoted_follows: bool) -> bool {
    let ends = text.ends_with([':', '：']) || text.ends_with("----");
    let verb = verb_end(text);
    let (has_address, has_time, has_date) = (has_address(text), has_time(text), has_date(text));
    let n_after = verb.map_or(usize::MAX, |end| text[end..].split_whitespace().count());
    let names_follow = n_after <= 5 && NAME_FOLLOWS.iter().any(|verb| text.contains(verb));
    // A sentence goes on after its verb or address.
    let is_closed = n_after <= 1
        || names_follow
        || text.trim_end_matches([':', '：', ' ']).ends_with(['>', ')', ']'])
        || text.ends_with("----");
    let is_certain = ends
        && is_closed
        && (has_date && has_address || has_date && has_time && begins(text))
        && (verb.is_some() || has_time);
    let is_certain = is_certain || ends && has_address && has_time && has_date && begins(text);
    if is_certain || !quoted_follows {
        return is_certain;
    }
    let is_dated = has_time || has_date;
    match verb {
        // Words may follow a verb in a sentence; here only names, addresses and dates do.
        Some(_) => {
            text.len() < 200 && ends && (n_after <= 1 || is_dated || has_address)
                || has_address
                || is_dated && begins(text)
        }
        None => {
            ends && has_address && text.split_whitespace().count() <= 12 || is_dated && has_address && text.len() < 160
        }
    }
}

/// Whether a mail address stands in a text.
fn has_address(text: &str) -> bool {
    text.match_indices('@').any(|(at, _)| {
        text[..at].ends_with(|char: char| char.is_alphanumeric())
            && text[at + 1..].starts_with(|char: char| char.is_alphanumeric())
    })
}

static VERBS: LazyLock<AhoCorasick> = LazyLock::new(|| AhoCorasick::new(WROTE).expect("a few dozen short words"));

/// Where the last of the verbs ends in a lower-case text.
fn verb_end(text: &str) -> Option<usize> {
    let is_edge = |char: Option<char>| char.is_none_or(|char| !char.is_alphabetic() || is_ideograph(char));
    let stands_alone = |found: &aho_corasick::Match| {
        is_edge(text[..found.start()].chars().next_back()) && is_edge(text[found.end()..].chars().next())
    };
    VERBS.find_overlapping_iter(text).filter(stands_alone).map(|found| found.end()).max()
}

/// Scripts that write without blanks between words.
fn is_ideograph(char: char) -> bool {
    ('\u{0e00}'..='\u{0e7f}').contains(&char) || ('\u{3040}'..='\u{d7ff}').contains(&char)
}

/// Whether a time of day stands in a text: two groups of digits with a colon or point, or an hour of the French.
pub(super) fn has_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    (1..bytes.len()).any(|at| match bytes[at] {
        b':' | b'.' | b'h' => {
            let begins = at < 3 || !digit(at - 3);
            digit(at - 1) && begins && digit(at + 1) && digit(at + 2) && !digit(at + 3)
        }
        _ => false,
    })
}

/// Whether a year, or a date in digits, stands in a text.
pub(super) fn has_date(text: &str) -> bool {
    let mut groups = text.split(|char: char| !char.is_ascii_digit()).filter(|group| !group.is_empty());
    groups.any(|group| group.len() == 4 && matches!(&group[..2], "19" | "20")) || has_short_date(text)
}

/// Such as `3/2/11`.
fn has_short_date(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let mut groups = word.trim_matches(|char: char| !char.is_ascii_digit()).split(['/', '.', '-']);
        let is_group = |group: Option<&str>| {
            group.is_some_and(|group| (1..=2).contains(&group.len()) && group.bytes().all(|byte| byte.is_ascii_digit()))
        };
        is_group(groups.next()) && is_group(groups.next()) && is_group(groups.next()) && groups.next().is_none()
    })
}
