//! How a search word is found in a person's name, an address or a subject.

use super::scope::is_within;

/// The address of `name <address>` or `address`.
pub(super) fn address(person: &str) -> &str {
    match person.rsplit_once('<') {
        Some((_, address)) => address.trim_end_matches('>'),
        None => person,
    }
}

/// Whether a person is meant by what was searched for (lower case): a whole address means that address, `@example.com`
/// the domain and its subdomains, anything else words of the name or the address in that order.
pub(super) fn person_matches(person: &str, searched: &str) -> bool {
    let own = address(person);
    match searched.split_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => own.eq_ignore_ascii_case(searched),
        Some(("", domain)) if !domain.is_empty() => {
            own.rsplit_once('@').is_some_and(|(_, host)| is_within(host, domain))
        }
        Some((local, "")) => own.split('@').next().is_some_and(|own| own.eq_ignore_ascii_case(local)),
        _ => text_matches(person, searched),
    }
}

/// Whether the words of what was searched for (lower case) stand in the text, whole and in that order.
///
/// Scripts that are written without blanks have no words to compare; there, any place in the text will do.
pub(super) fn text_matches(text: &str, searched: &str) -> bool {
    let text = text.to_lowercase();
    if searched.chars().any(|char| ('\u{2e80}'..='\u{d7ff}').contains(&char) || char >= '\u{20000}') {
        return text.contains(searched);
    }
    let wanted: Vec<&str> = words(searched).collect();
    let found: Vec<&str> = words(&text).collect();
    !wanted.is_empty() && found.windows(wanted.len()).any(|window| window == wanted)
}

/// Whether there is anything in it to search for.
pub(super) fn is_searchable(text: &str) -> bool {
    words(text).next().is_some()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty())
}
