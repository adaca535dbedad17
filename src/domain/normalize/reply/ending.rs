//! What stands below the words of a reply and is not said in them: signatures, footers of lists, disclaimers.

use std::{collections::BTreeSet, sync::LazyLock};

use aho_corasick::AhoCorasick;

use super::{
    Line,
    words::{
        DEVICES, DISCLAIMER_BEGINS, DISCLAIMER_TITLES, FROM_OUTSIDE, LIST_FOOTERS, PRINT_PLEAS, SENT_FROM, SIGN_OFFS,
        STEMS, WARNINGS,
    },
};

/// The longest signature, in lines that are not empty.
const MAX_SIGNATURE: usize = 24;
/// The longest signature below dashes that may as well part two sections of a text.
const MAX_DOUBTFUL: usize = 10;
/// The longest signature below any other line of signs.
const MAX_FOOTER: usize = 6;
/// The longest line of such a signature, in characters.
const MAX_WIDTH: usize = 160;
/// As much of a paragraph is looked at, in bytes.
const MAX_LOOK: usize = 4_000;

/// How many of these lines, which follow each other, are the author's words. The rest is signature, footer and disclaimer.
pub(super) fn words_end(lines: &[Line<'_>]) -> usize {
    let mut end = lines.len();
    // A list may add its signature to the author's; whoever has more parts a text with dashes.
    let mut n_signatures = 0;
    loop {
        end = lines[..end].iter().rposition(|line| !line.is_blank()).map_or(0, |last| last + 1);
        let words = &lines[..end];
        end = if let Some(end) = without_last(words) {
            end
        } else if let Some(end) = signature(words).filter(|_| n_signatures < 2) {
            n_signatures += 1;
            end
        } else {
            return contact_block(words).unwrap_or(end);
        };
    }
}

/// Where the words begin: gateways put a warning above them.
pub(super) fn words_begin(lines: &[Line<'_>]) -> usize {
    let Some(first) = lines.iter().position(|line| !line.is_blank()) else { return lines.len() };
    let n = lines[first..].iter().take_while(|line| !line.is_blank()).count();
    if is_warning(&lines[first..first + n]) { first + n } else { 0 }
}

/// The end of the words without their last line or paragraph, if that is none of them.
fn without_last(lines: &[Line<'_>]) -> Option<usize> {
    let end = lines.len();
    let last = lines.last()?;
    let is_apart = end > 1 && lines[end - 2].is_blank();
    if is_sent_from(last.text, is_apart) || is_dashed_name(lines) {
        return Some(end - 1);
    }
    let paragraph = lines.iter().rposition(Line::is_blank).map_or(0, |blank| blank + 1);
    let lower = lower(&lines[paragraph..]);
    disclaimer(&lower).or_else(|| list_footer(&lower)).map(|n| paragraph + n)
}

/// The lines of a paragraph in lower case, as far as they are looked at.
fn lower(paragraph: &[Line<'_>]) -> Vec<String> {
    let mut n_bytes = 0;
    let within = paragraph.iter().take_while(|line| {
        n_bytes += line.text.len() + 1;
        n_bytes <= MAX_LOOK
    });
    within.map(|line| line.text.to_lowercase()).collect()
}

/// Where a signature below its dashes begins.
fn signature(lines: &[Line<'_>]) -> Option<usize> {
    let (mut n_words, mut n_doubtful) = (0, 0);
    let (mut found, mut certain, mut is_narrow) = (None, None, true);
    for (at, line) in lines.iter().enumerate().rev().filter(|(_, line)| !line.is_blank()) {
        let is_short = |max| n_words <= max && is_narrow;
        match delimiter(line.text) {
            Some(Delimiter::Certain) => (found, certain) = (Some(at), Some(at)),
            Some(Delimiter::Doubtful) => {
                n_doubtful += 1;
                found = if is_short(MAX_DOUBTFUL) { Some(at) } else { found };
            }
            Some(Delimiter::Rule)
                if is_short(MAX_FOOTER) && is_footer(line.text, &lines[at + 1..found.unwrap_or(lines.len())]) =>
            {
                found = Some(at);
            }
            _ => {}
        }
        n_words += 1;
        is_narrow &= line.text.chars().take(MAX_WIDTH + 1).count() <= MAX_WIDTH;
        if n_words > MAX_SIGNATURE {
            break;
        }
    }
    // More than two part the sections of a text.
    if n_doubtful > 2 { certain } else { found }
}

enum Delimiter {
    /// The one of the standard (RFC 3676, 4.3).
    Certain,
    Doubtful,
    /// A line that signatures begin with as well as sections.
    Rule,
}

fn delimiter(line: &str) -> Option<Delimiter> {
    let bare = line.trim();
    match bare {
        "--" if line.starts_with("-- ") => Some(Delimiter::Certain),
        "--" | "—" | "– –" | "- -" => Some(Delimiter::Doubtful),
        _ if bare.len() >= 3 && bare.chars().all(|char| matches!(char, '-' | '_' | '=' | '*' | '—' | '~')) => {
            Some(Delimiter::Rule)
        }
        _ => None,
    }
}

/// Whether lines below a rule are no section of the text: they name addresses, and say nothing else. Advertisements talk; they
/// stand below low lines.
fn is_footer(rule: &str, lines: &[Line<'_>]) -> bool {
    let mut words = lines.iter().filter(|line| !line.is_blank()).map(|line| line.text);
    words.clone().any(is_contact)
        && (rule.trim().starts_with("____________") || !words.any(|line| talks(line) && !is_contact(line)))
}

/// "Sent from my iPhone", and what else devices and programs write.
///
/// `is_apart` says that an empty line is above; jokers write there what they send their mail from.
fn is_sent_from(line: &str, is_apart: bool) -> bool {
    let line = line.trim_matches(|char: char| {
        char.is_whitespace()
            || matches!(char, '*' | '_' | '-' | '[' | ']' | '(' | ')' | '<' | '>' | '.' | '!' | '\u{200e}' | '~' | '—')
    });
    let n_words = line.split_whitespace().count();
    if line.len() > 120 || n_words > 12 {
        return false;
    }
    let line = line.to_lowercase();
    let begins = SENT_FROM.iter().any(|start| line.starts_with(start))
        || line.ends_with("から送信")
        || line.ends_with("gesendet")
        || line.ends_with("gönderildi");
    // A comma begins the rest of a sentence.
    let names_device = || DEVICES.iter().any(|device| contains_word(&line, device));
    begins && !line.contains(", ") && (names_device() || is_apart && n_words <= 7)
}

/// Whether a word stands in a text, not as the beginning of another one. Endings are grammar: `iPhonesta`.
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(char::is_alphanumeric))
}

/// "-Ada Brook" as the last line, below an empty one.
fn is_dashed_name(lines: &[Line<'_>]) -> bool {
    let [.., before, last] = lines else { return false };
    let Some(name) = last.text.trim().strip_prefix(['-', '—', '–', '~']) else { return false };
    let words: Vec<&str> = name.split(' ').collect();
    let is_name = |word: &&str| {
        word.starts_with(char::is_uppercase)
            && word.chars().all(|char| char.is_alphabetic() || matches!(char, '.' | '\'' | '-'))
    };
    before.is_blank() && words.len() <= 3 && name.len() < 40 && words.iter().all(is_name)
}

/// At which line of the last paragraph a disclaimer begins: one that is long, begins like one and is full of its words, or
/// has a title, or only asks not to print.
fn disclaimer(paragraph: &[String]) -> Option<usize> {
    let begins = |line: &str| {
        let bare = line.trim_start_matches(|char: char| !char.is_alphabetic());
        (starts_with_any(bare, DISCLAIMER_BEGINS), starts_with_any(bare, DISCLAIMER_TITLES))
    };
    let tells = |line: &String| n_stems(line) > 0 || begins(line) != (false, false) || is_print_plea(line);
    let first = paragraph.iter().position(tells)?;
    let text = paragraph[first..].join(" ");
    let (has_beginning, has_title) = begins(&text);
    // Someone may also write of attachments that are confidential and have to be deleted.
    let n_signs = n_stems(&text) + if has_title { 2 } else { usize::from(has_beginning) };
    let n_wanted = if has_title || has_beginning { 4 } else { 6 };
    let n_chars = text.chars().count();
    (has_title && n_chars < 60 || n_chars >= 80 && n_signs >= n_wanted || is_print_plea(&text)).then_some(first)
}

static STEM: LazyLock<AhoCorasick> =
    LazyLock::new(|| AhoCorasick::new(STEMS.concat()).expect("a few hundred short words"));

/// How many stems of one language a lower-case text holds.
fn n_stems(text: &str) -> usize {
    let found: BTreeSet<usize> = STEM.find_overlapping_iter(text).map(|found| found.pattern().as_usize()).collect();
    let mut first = 0;
    let of_each = STEMS.iter().map(|stems| {
        let range = first..first + stems.len();
        first = range.end;
        found.range(range).count()
    });
    of_each.max().unwrap_or_default()
}

fn starts_with_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| text.starts_with(word))
}

fn is_print_plea(text: &str) -> bool {
    text.len() < 400 && PRINT_PLEAS.iter().any(|plea| text.contains(plea))
}

/// Whether the first paragraph is a gateway's warning of mail from outside.
fn is_warning(paragraph: &[Line<'_>]) -> bool {
    let text = lower(paragraph).join("\n");
    let begins = text.trim_start_matches(|char: char| !char.is_alphabetic());
    let n_chars = text.chars().count();
    n_chars < 600 && starts_with_any(begins, WARNINGS) && FROM_OUTSIDE.iter().any(|tell| text.contains(tell))
}

/// At which line of the last paragraph the words begin that a list adds to each mail.
fn list_footer(paragraph: &[String]) -> Option<usize> {
    let telling =
        paragraph.iter().position(|line| line.len() < 300 && LIST_FOOTERS.iter().any(|tell| line.contains(tell)))?;
    // A line of dashes above belongs to it.
    let above = paragraph[..telling].iter().rposition(|line| delimiter(line).is_some() || line.starts_with("------"));
    let is_address = |line: &String| is_contact(line) || line.contains("unsubscribe") || line.contains("name: ");
    let is_one = paragraph[telling..].iter().any(is_address);
    match above {
        Some(above) => is_one.then_some(above),
        // A sentence may speak of a list, too.
        None => is_one.then_some(telling).filter(|_| !paragraph[telling].ends_with(" mailing list")),
    }
}

/// Where the addresses and titles below a sign-off and a name begin; the sign-off and the name stay.
fn contact_block(lines: &[Line<'_>]) -> Option<usize> {
    let (mut n_words, mut n_contacts) = (0, 0);
    for (at, line) in lines.iter().enumerate().rev() {
        if line.is_blank() {
            continue;
        }
        if is_sign_off(line.text) {
            let name = (at + 1..lines.len()).find(|&at| !lines[at].is_blank())?;
            return (n_contacts > 0 && is_short_name(lines[name].text) && name + 1 < lines.len()).then_some(name + 1);
        }
        let is_contact = is_contact(line.text);
        if n_words > MAX_DOUBTFUL
            || line.text.chars().take(MAX_WIDTH + 1).count() > MAX_WIDTH
            || (talks(line.text) && !is_contact)
        {
            return None;
        }
        n_words += 1;
        n_contacts += usize::from(is_contact);
    }
    None
}

fn is_sign_off(line: &str) -> bool {
    let line = line.trim_matches(|char: char| {
        char.is_whitespace() || matches!(char, ',' | '.' | '!' | '*' | '-' | '，' | '。' | ';')
    });
    line.len() <= 60 && SIGN_OFFS.contains(&line.to_lowercase().as_str())
}

fn is_short_name(line: &str) -> bool {
    let line = line.trim();
    line.len() <= 60 && line.split_whitespace().count() <= 5 && !is_contact(line)
}

/// Whether a line says something, as no part of a signature does.
fn talks(line: &str) -> bool {
    is_sentence(line) || line.split_whitespace().count() > 8
}

fn is_sentence(line: &str) -> bool {
    let line = line.trim();
    line.ends_with(['?', '!', ';']) || (line.ends_with('.') && line.split_whitespace().count() > 5)
}

/// Whether a line is an address, a link or a number to call, with a few words.
fn is_contact(line: &str) -> bool {
    let has_address =
        || line.split_once('@').is_some_and(|(_, host)| host.starts_with(char::is_alphanumeric) && host.contains('.'));
    let has_link = || line.contains("://") || line.contains("www.");
    line.split_whitespace().count() <= 12 && (has_link() || has_address() || has_phone_number(line))
}

/// Whether seven digits follow each other with no more between them than people write into a number to call.
fn has_phone_number(line: &str) -> bool {
    let mut n_digits = 0;
    line.chars().any(|char| {
        n_digits = match char {
            '0'..='9' => n_digits + 1,
            '+' | '-' | '.' | '/' | '(' | ')' | ' ' | '\u{a0}' => n_digits,
            _ => 0,
        };
        n_digits >= 7
    })
}
