//! Items: the ledger of every provider id ever seen in a stream.

use super::words;

/// What an item is called wherever it is: a mail's Message-ID (RFC 5322), an event's iCalUID. It is content: it cannot be
/// printed, and where the item is not kept it is not kept either.
#[derive(Clone, PartialEq, Eq)]
pub struct UniversalId(String);

impl UniversalId {
    /// The longest one, in characters: what RFC 5322 allows in a line.
    pub const MAX_CHARS: usize = 998;

    /// Takes a name with or without the angle brackets around it; `None` when nothing is left of it.
    ///
    /// What comes in and what people ask for go through here, so that the same name is the same however it was written down.
    pub fn new(text: &str) -> Option<Self> {
        let is_around = |char: char| char.is_whitespace() || char.is_control() || matches!(char, '<' | '>');
        let inner = text.trim_matches(is_around);
        let kept = inner.chars().filter(|char| !char.is_whitespace() && !char.is_control());
        let id: String = kept.take(Self::MAX_CHARS).collect();
        (!id.is_empty()).then_some(Self(id))
    }

    /// The name itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A [`UniversalId`] as the ledger keeps it: a hash under a key of the person's, by which the name is found and not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UniversalHash(pub [u8; 32]);

words! {
    /// What became of one provider id.
    ItemOutcome {
        /// Seen, not fetched yet.
        Pending = "pending",
        /// Fetched and stored.
        Stored = "stored",
        /// Listed again and already stored in this version.
        Unchanged = "unchanged",
        /// Left out by the approved filter; the rule is named beside it.
        Filtered = "filtered",
        /// Could not be fetched or read; the reason and the next try stand beside it.
        Failed = "failed",
        /// No longer at the provider.
        Gone = "gone",
        /// Taken back by an undo.
        Undone = "undone",
    }
}

words! {
    /// What one raw event of an item is.
    RawKind {
        /// A version of it, as the provider sent it.
        Item = "item",
        /// The provider's record that it was deleted: it is out of sight.
        Gone = "gone",
        /// It has left the consent: it is out of sight, and the event holds nothing of it.
        Departed = "departed",
        /// It was deleted at the provider, and stays in sight as its newest version says.
        Kept = "kept",
    }
}

impl RawKind {
    /// Whether an item whose newest raw event is this has a place on the timeline.
    pub const fn is_in_sight(self) -> bool {
        matches!(self, Self::Item | Self::Kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_same_however_it_is_written_down() {
        let read = |text: &str| UniversalId::new(text).map(|id| id.as_str().to_owned());
        for text in ["a.b@c", "<a.b@c>", " <a.b@c>\r\n", "<a.b\r\n @c>", "a.b@\0c"] {
            assert_eq!(read(text).as_deref(), Some("a.b@c"), "{text:?}");
        }
        assert_eq!(read("A.b@C").as_deref(), Some("A.b@C"), "case is part of the name");
        assert_eq!([read(""), read(" <> "), read("\0")], [None, None, None]);
        assert_eq!(read(&"x".repeat(2_000)).map(|id| id.len()), Some(UniversalId::MAX_CHARS));
    }
}
