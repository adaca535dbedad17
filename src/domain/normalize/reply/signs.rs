//! The signs that stand before each line of a quotation.

use super::{Line, attribution};

/// The longest initials before a sign, in letters: `AB> `.
const MAX_INITIALS: usize = 5;

/// Marks the lines that begin with the sign of a quotation as quoted.
pub(super) fn mark(lines: &mut [Line<'_>]) {
    let bars = uses_bars(lines);
    let initials = initials(lines);
    let has_prompts = has_prompts(lines);
    for at in 0..lines.len() {
        let text = lines[at].text.trim_start();
        lines[at].is_quoted |= has_sign(lines, at, has_prompts)
            || (bars && text.starts_with('|'))
            || (initials.is_some() && of_initials(text) == initials);
    }
    for at in 1..lines.len().saturating_sub(1) {
        lines[at].is_quoted |=
            lines[at - 1].is_quoted && lines[at + 1].is_quoted && is_torn(lines[at - 1].text, lines[at].text);
    }
}

/// Whether a line between two quoted ones is the rest of a link that a program has torn.
fn is_torn(above: &str, line: &str) -> bool {
    let line = line.trim();
    let is_link = line.trim_matches(['(', ')', '<', '>', ' ']).starts_with("http");
    let is_rest = || above.contains("http") && line.ends_with([')', '>', ']']) && !line.starts_with(['(', '<', '[']);
    !line.is_empty() && !line.trim_end_matches(['>', ' ']).contains(' ') && (is_link || is_rest())
}

fn has_sign(lines: &[Line<'_>], at: usize, has_prompts: bool) -> bool {
    let is_sign = |text: &str| text.starts_with('>') && !(has_prompts && text.starts_with(">>>"));
    let is_like_one = |at: usize| lines.get(at).is_some_and(|line| is_sign(line.text.trim_start()));
    // Mailboxes write `>From` for an own line that begins with `From`.
    let is_escape = || lines[at].text.starts_with(">From ") && !(at > 0 && is_like_one(at - 1)) && !is_like_one(at + 1);
    is_like_one(at) && !is_escape()
}

/// Whether three signs are a prompt in a session with an interpreter: no line has fewer of them.
fn has_prompts(lines: &[Line<'_>]) -> bool {
    let mut signed = lines.iter().map(|line| line.text.trim_start()).filter(|text| text.starts_with('>')).peekable();
    signed.peek().is_some()
        && signed.all(|text| text.starts_with(">>>") && !text.starts_with(">>>>") && !text.trim_end().ends_with(">>>"))
}

/// Whether the author's program quotes with bars, which tables also have: then an introduction stands above one.
fn uses_bars(lines: &[Line<'_>]) -> bool {
    lines
        .windows(2)
        .any(|pair| pair[1].text.starts_with('|') && !pair[0].text.starts_with('|') && attribution::ends(pair[0].text))
}

/// The initials of whom the author's program quotes, if it writes them: `AB> ` at two lines at least.
fn initials<'x>(lines: &[Line<'x>]) -> Option<&'x str> {
    let mut found: Option<&str> = None;
    for line in lines {
        match (of_initials(line.text.trim_start()), found) {
            (Some(initials), Some(before)) if initials == before => return found,
            (Some(initials), _) => found = Some(initials),
            (None, _) => {}
        }
    }
    None
}

fn of_initials(line: &str) -> Option<&str> {
    let head = line.get(..line.len().min(MAX_INITIALS + 1)).unwrap_or_default();
    let (initials, _) = head.split_once('>')?;
    let is_name = initials.starts_with(|char: char| char.is_ascii_uppercase())
        && initials.bytes().all(|byte| byte.is_ascii_alphabetic());
    is_name.then_some(initials)
}
