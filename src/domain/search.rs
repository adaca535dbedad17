//! Searching the timeline: what people write, read as words to be found, and texts as the database's search can cut them.

use std::borrow::Cow;

/// The longest search, in characters.
pub const MAX_CHARS: usize = 256;
/// The most words and phrases of one search.
pub const MAX_TERMS: usize = 16;
/// The characters of a text by which it is found. With 4 bytes each, every word twice as part of another, and its places, they stay
/// below the megabyte that PostgreSQL allows for the words of a row.
const TEXT_CHARS: usize = 32_768;
/// Cuts a text between two letters without being seen: a control character, and texts are stored without such.
const CUT: char = '\u{1f}';

/// Stand before and behind what matches in a marked text: control characters, and texts are stored without such.
pub const MARKS: [char; 2] = ['\u{2}', '\u{3}'];

/// A search as it was meant: what it finds has all words and phrases that are wanted, and none of the unwanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search {
    /// Words, and phrases of several, each as the database reads it.
    pub wanted: Vec<String>,
    /// The same with a minus before them.
    pub unwanted: Vec<String>,
}

/// Why a search cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SearchError {
    /// It is too long.
    #[error("A search has at most {MAX_CHARS} characters and {MAX_TERMS} words or phrases.")]
    TooLong,
    /// It asks for nothing.
    #[error("A search names at least one word that is to be found.")]
    NothingWanted,
}

impl Search {
    /// Reads what someone has written: words, phrases in quotation marks, and either with a minus right before it for what must not
    /// be there. A quotation mark without an end holds for the rest.
    ///
    /// # Errors
    /// When it is too long or wants nothing.
    pub fn parse(text: &str) -> Result<Self, SearchError> {
        if text.chars().count() > MAX_CHARS {
            return Err(SearchError::TooLong);
        }
        let mut search = Self::default();
        let mut rest = text.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_unwanted = first == '-';
            rest = if is_unwanted { &rest[1..] } else { rest };
            let (term, after) = term(rest);
            rest = after.trim_start();
            if term.chars().any(char::is_alphanumeric) {
                let terms = if is_unwanted { &mut search.unwanted } else { &mut search.wanted };
                terms.push(searchable(term).into_owned());
            }
        }
        match search.wanted.len() + search.unwanted.len() {
            _ if search.wanted.is_empty() => Err(SearchError::NothingWanted),
            0..=MAX_TERMS => Ok(search),
            _ => Err(SearchError::TooLong),
        }
    }
}

/// The first word or phrase, and what follows.
fn term(text: &str) -> (&str, &str) {
    let is_quote = |char| matches!(char, '"' | '“' | '”' | '„' | '«' | '»');
    match text.strip_prefix(is_quote) {
        Some(phrase) => {
            let end = phrase.find(is_quote).unwrap_or(phrase.len());
            (&phrase[..end], phrase[end..].trim_start_matches(is_quote))
        }
        None => text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())),
    }
}

/// A text as the database can cut it into words: its beginning, without control characters.
///
/// Letters of scripts that put no blanks between words stand apart, so that what is in the middle of a sentence is found. A phrase of
/// such letters finds them side by side.
pub fn searchable(text: &str) -> Cow<'_, str> {
    let end = text.char_indices().nth(TEXT_CHARS).map_or(text.len(), |(end, _)| end);
    let text = &text[..end];
    if !text.chars().any(|char| is_dropped(char) || is_without_blanks(char) || char == '<') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() * 2);
    for char in text.chars().filter(|char| !is_dropped(*char)) {
        match char {
            // The database would take what follows for a tag of HTML, and leave it out.
            '<' => out.extend(['<', CUT]),
            _ if is_without_blanks(char) => out.extend([CUT, char, CUT]),
            _ => out.push(char),
        }
    }
    Cow::Owned(out)
}

/// Control characters, which the database cannot store or which would be read as our own marks.
fn is_dropped(char: char) -> bool {
    char.is_control() && !matches!(char, '\n' | '\t')
}

/// A piece of a text, and whether it is what was searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The text as it was before it was made searchable.
    pub text: String,
    /// Whether it matches.
    pub is_match: bool,
}

/// A searchable text with [`MARKS`], in pieces. Matches with nothing between them are one.
pub fn pieces(marked: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    let mut is_match = false;
    for char in marked.chars().filter(|char| *char != CUT) {
        if MARKS.contains(&char) {
            is_match = char == MARKS[0];
            continue;
        }
        match pieces.last_mut().filter(|last| last.is_match == is_match) {
            Some(last) => last.text.push(char),
            None => pieces.push(Piece { text: char.into(), is_match }),
        }
    }
    pieces
}

/// Whether a character is of a script that is written without blanks between words, or, as Korean, with endings that stemmers do not
/// know (blocks by the Unicode standard).
const fn is_without_blanks(char: char) -> bool {
    matches!(char,
        '\u{0e00}'..='\u{0eff}' // Thai, Lao
        | '\u{1000}'..='\u{109f}' // Burmese
        | '\u{1780}'..='\u{17ff}' // Khmer
        | '\u{3040}'..='\u{30ff}' // Hiragana, Katakana
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Chinese characters
        | '\u{ac00}'..='\u{d7af}' // Hangul
        | '\u{20000}'..='\u{3ffff}') // more Chinese characters
}

/// The words of a mail address: as a whole, and what a person remembers of it.
pub fn address_words(address: &str) -> String {
    let host = address.rsplit_once('@').map_or("", |(_, host)| host);
    let parts = address.replace(|char: char| !char.is_alphanumeric(), " ");
    format!("{address} {host} {parts}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parsed(text: &str) -> (Vec<String>, Vec<String>) {
        let search = Search::parse(text).unwrap();
        (search.wanted, search.unwanted)
    }

    #[test]
    fn words_phrases_and_what_is_unwanted() {
        for (text, wanted, unwanted) in [
            ("lunch", vec!["lunch"], vec![]),
            ("  lunch   \"at noon\" -rain", vec!["lunch", "at noon"], vec!["rain"]),
            ("-\"at noon\" e-mail", vec!["e-mail"], vec!["at noon"]),
            ("“at noon” «chez nous» „zu Hause“", vec!["at noon", "chez nous", "zu Hause"], vec![]),
            ("\"without an end", vec!["without an end"], vec![]),
            ("lunch - \" ? ' & | ! :*", vec!["lunch"], vec![]),
            ("a\u{1f}b\0c", vec!["abc"], vec![]),
        ] {
            assert_eq!(
                parsed(text),
                (wanted.into_iter().map(str::to_owned).collect(), unwanted.into_iter().map(str::to_owned).collect()),
                "{text}"
            );
        }
    }

    #[test]
    fn a_search_has_bounds_and_wants_something() {
        for nothing in ["", "  ", "-rain", "\"\"", "?!", "- -"] {
            assert_eq!(Search::parse(nothing), Err(SearchError::NothingWanted), "{nothing}");
        }
        assert_eq!(Search::parse(&"x".repeat(MAX_CHARS + 1)), Err(SearchError::TooLong));
        assert_eq!(Search::parse(&"x ".repeat(MAX_TERMS + 1)), Err(SearchError::TooLong));
        assert!(Search::parse(&"x ".repeat(MAX_TERMS)).is_ok());
    }

    #[test]
    fn letters_of_scripts_without_blanks_stand_apart() {
        assert_eq!(searchable("お茶 tea"), "\u{1f}お\u{1f}\u{1f}茶\u{1f} tea");
        let piece = |text: &str, is_match| Piece { text: text.to_owned(), is_match };
        let marked = "the \u{1f}\u{2}お\u{3}\u{1f}\u{1f}\u{2}茶\u{3}\u{1f} \u{2}tea\u{3}";
        assert_eq!(pieces(marked), [piece("the ", false), piece("お茶", true), piece(" ", false), piece("tea", true)]);
        assert_eq!(address_words("ada.b+x@example.org"), "ada.b+x@example.org example.org ada b x example org");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text: String) {
            Search::parse(&text).ok();
            let searchable = searchable(&text);
            prop_assert!(searchable.chars().count() <= 3 * TEXT_CHARS);
            prop_assert!(!searchable.contains('\0'));
        }

        #[test]
        fn what_people_write_comes_back(text in "[a-zäß日本語ไทย한 .,!\n]{0,200}") {
            let back: String = pieces(&searchable(&text)).into_iter().map(|piece| piece.text).collect();
            prop_assert_eq!(back, text);
        }
    }
}
