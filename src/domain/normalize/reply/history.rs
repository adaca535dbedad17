//! Which lines of a mail are older mail: quoted with signs, or repeated whole below the reply.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::{
    Line, attribution, headers, signs,
    words::{FORWARDED_MAIL, INLINE, OLDER_MAIL},
};

/// How many empty lines may part an introduction from the quotation.
const MAX_GAP: usize = 12;
/// How many lines of someone's words may stand above the first quoted one.
const MAX_BEFORE_SIGN: usize = 3;
/// In how many lines above older mail an author may say that the answers are in it.
const MAX_ABOVE: usize = 100;
/// The longest line that parts a reply from older mail, in bytes.
const MAX_SEPARATOR: usize = 160;

/// Marks the lines that are older mail as quoted.
pub(super) fn mark(lines: &mut [Line<'_>]) {
    signs::mark(lines);
    let introductions = introductions(lines);
    let mut at = 0;
    while at < lines.len() {
        let introduction = introductions[at].map(|end| Opener { start: at, end });
        let Some(opener) = opener(lines, at, introduction) else {
            at += 1;
            continue;
        };
        let end = signed(lines, opener.end).unwrap_or(lines.len());
        let is_flat = end == lines.len() && opener.end < end;
        if is_flat && answers_inline(&lines[..at]) {
            return;
        }
        lines[opener.start..end].iter_mut().for_each(|line| line.is_quoted = true);
        // What HTML announces has no line of its own.
        at = end.max(at + 1);
    }
    mark_omissions(lines);
}

/// Marks what people write below a quotation that they have cut.
fn mark_omissions(lines: &mut [Line<'_>]) {
    let mut is_below = false;
    for line in lines.iter_mut().filter(|line| !line.is_blank()) {
        line.is_quoted |= is_below && OMISSIONS.contains(&line.text.trim().to_lowercase().as_str());
        is_below = line.is_quoted;
    }
}

const OMISSIONS: &[&str] = &[
    "[...]",
    "[..]",
    "[…]",
    "(...)",
    "...",
    "…",
    "[snip]",
    "<snip>",
    "[snipped]",
    "<snipped>",
    "snip",
    "[cut]",
    "<cut>",
    "[gekürzt]",
    "[coupé]",
];

/// Lines that announce older mail.
struct Opener {
    start: usize,
    /// Where what they announce begins.
    end: usize,
}

/// What announces older mail at a line that is not quoted itself.
fn opener(lines: &[Line<'_>], at: usize, introduction: Option<Opener>) -> Option<Opener> {
    let line = &lines[at];
    if line.is_quoted {
        return is_between_signs(line.text).then_some(Opener { start: at, end: at + 1 });
    }
    if line.begins_older {
        return Some(Opener { start: at, end: headers_below(lines, at).unwrap_or(at) });
    }
    if line.is_blank() {
        return None;
    }
    introduction.or_else(|| separator(lines, at)).or_else(|| block(lines, at))
}

/// `>>> Ada <ada@example.org> 11/07/00 10:08PM >>>`, as `GroupWise` writes it.
fn is_between_signs(line: &str) -> bool {
    let line = line.trim();
    let inner = line.strip_prefix(">>>").and_then(|line| line.strip_suffix(">>>"));
    inner.is_some_and(|inner| attribution::has_date(inner) && attribution::has_time(inner))
}

/// For each line: where the introduction that begins there ends, such as "On Monday, Ada wrote:".
fn introductions(lines: &[Line<'_>]) -> Vec<Option<usize>> {
    let mut ends = vec![None; lines.len()];
    let last_lines = (0..lines.len()).filter(|&last| !lines[last].is_quoted && !lines[last].is_blank());
    for last in last_lines {
        let quoted_follows = quote_follows(lines, last + 1);
        if attribution::may_end(lines[last].text, quoted_follows)
            && let Some(start) = attribution::start(lines, last, quoted_follows)
        {
            ends[start].get_or_insert(last + 1);
        }
    }
    ends
}

/// Whether a quotation with signs comes next, or after what people write of the part they left out.
fn quote_follows(lines: &[Line<'_>], at: usize) -> bool {
    let Some(below) = next_words(lines, at) else { return false };
    lines[below].is_quoted
        || (is_omission(lines[below].text) && signed(lines, below).is_some_and(|quote| quote > below))
}

/// A line that parts a reply from older mail, with the headers below it.
fn separator(lines: &[Line<'_>], at: usize) -> Option<Opener> {
    let text = lines[at].text.trim();
    let is_dashed = text.starts_with(is_rule);
    let below = next_words(lines, at + 1);
    // Most lines are neither dashed nor above headers.
    if text.len() > MAX_SEPARATOR || !(is_dashed || below.is_some_and(|below| headers::is_one(lines[below].text))) {
        return None;
    }
    let n_rule = text.chars().filter(|&char| is_rule(char)).count();
    let is_dashed = is_dashed && n_rule >= 4;
    let bare = text.trim_matches(|char: char| is_rule(char) || char.is_whitespace());
    if bare.is_empty() {
        // A rule alone says nothing: what is below it must be headers.
        let end = (n_rule >= 5).then_some(below?).and_then(|below| headers::end(lines, below, true))?;
        return Some(Opener { start: at, end });
    }
    let headers =
        below.and_then(|below| if is_dashed { headers_end(lines, below) } else { headers::end(lines, below, true) });
    if is_dashed && let Some(end) = headers {
        return Some(Opener { start: at, end });
    }
    let lower = bare.to_lowercase();
    let names =
        |words: &[&str]| words.iter().any(|word| lower.starts_with(word) || (is_dashed && lower.contains(word)));
    let is_known = || names(OLDER_MAIL) || names(FORWARDED_MAIL);
    match headers {
        Some(end) if lower.split_whitespace().count() <= 6 && is_known() => Some(Opener { start: at, end }),
        // Without headers, only dashes and known words together leave no doubt.
        None if is_dashed && is_known() => Some(Opener { start: at, end: at + 1 }),
        _ => None,
    }
}

fn is_rule(char: char) -> bool {
    matches!(char, '-' | '_' | '=' | '*' | '#' | '~' | '—' | '–' | '―' | '─' | '━')
}

/// Headers that begin at this line, with nothing above them.
fn block(lines: &[Line<'_>], at: usize) -> Option<Opener> {
    let end = headers::end(lines, at, false).or_else(|| {
        // Notes writes author and date above the other headers, in one line or in two.
        let is_dated = |at: usize| lines.get(at).is_some_and(|line| is_date_line(line.text));
        let next = if lines.get(at + 1).is_some_and(Line::is_blank) { at + 2 } else { at + 1 };
        let dated = [at, next].into_iter().find(|&dated| {
            is_dated(dated) && (dated == at || !headers::is_one(lines[dated].text) && is_name_line(lines[at].text))
        })?;
        let is_detail = |at: usize| {
            lines[at].is_blank() || DETAILS.iter().any(|detail| lines[at].text.trim_start().starts_with(detail))
        };
        let below = (dated + 1..lines.len().min(dated + 6)).find(|&at| !is_detail(at))?;
        headers::end(lines, below, true)
    });
    end.map(|end| Opener { start: at, end })
}

/// What Notes writes between the author and the headers.
const DETAILS: [&str; 2] = ["Sent by:", "Please respond to"];

/// Whether a line may be an author's name.
fn is_name_line(line: &str) -> bool {
    let line = line.trim();
    line.len() < 80 && line.split_whitespace().count() <= 5 && !line.ends_with(['.', ',', '?', '!', ':', ';'])
}

/// Whether a line is no more than someone and a date with a time.
fn is_date_line(line: &str) -> bool {
    line.len() < 120
        && line.contains(':')
        && attribution::has_date(line)
        && attribution::has_time(line)
        && line.split_whitespace().count() <= 9
}

fn headers_below(lines: &[Line<'_>], at: usize) -> Option<usize> {
    headers_end(lines, next_words(lines, at)?)
}

/// Where headers that begin at this line end, where something else says that there may be some.
fn headers_end(lines: &[Line<'_>], at: usize) -> Option<usize> {
    headers::end(lines, at, true).or_else(|| headers::end_of_any(lines, at))
}

fn next_words(lines: &[Line<'_>], at: usize) -> Option<usize> {
    (at..lines.len().min(at + MAX_GAP)).find(|&at| !lines[at].is_blank())
}

/// Where what is announced before line `at` begins, when it is quoted with signs: here, or after what people write of the
/// part they left out. `None` when it is repeated without signs.
fn signed(lines: &[Line<'_>], at: usize) -> Option<usize> {
    let mut soon = lines[at..].iter().take(MAX_GAP + MAX_BEFORE_SIGN);
    match soon.position(|line| !line.is_blank() && !is_omission(line.text)) {
        Some(n) if !lines[at + n].is_quoted => {
            // Someone's words may come before the first sign.
            let soon =
                lines[at..].iter().filter(|line| !line.is_blank()).take(MAX_BEFORE_SIGN).any(|line| line.is_quoted);
            soon.then_some(at)
        }
        Some(n) => Some(at + n),
        None => (lines.len() - at < MAX_GAP).then_some(lines.len()),
    }
}

/// Such as `[...]` and `<snip>`.
fn is_omission(line: &str) -> bool {
    let line = line.trim();
    let is_bracketed = line.starts_with(['[', '<', '(', '{']) && line.ends_with([']', '>', ')', '}']);
    let is_dots = !line.is_empty() && line.chars().all(|char| matches!(char, '.' | '…' | '*' | '-'));
    line.len() < 100 && (is_bracketed || is_dots || line.to_lowercase().contains("snip"))
}

static ANSWERS_INLINE: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(INLINE).expect("a hundred short phrases"));

/// Whether the author says above older mail that the answers are in it.
fn answers_inline(above: &[Line<'_>]) -> bool {
    let own = above.iter().rev().filter(|line| !line.is_quoted && line.text.len() < 500).take(MAX_ABOVE);
    own.into_iter().any(|line| ANSWERS_INLINE.is_match(&line.text.to_lowercase()))
}
