//! What a subscription asks for, so that those who ask the same get the same answer.

use async_graphql::Request;
use sha2::{Digest, Sha256};

/// The words of a document with the values sent beside it. Two that are equal ask the same; whose data it is about, they do not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Question([u8; 16]);

impl Question {
    /// What this request asks for; `None` when its values cannot be written down.
    pub fn of(request: &Request) -> Option<Self> {
        let name = request.operation_name.as_deref().unwrap_or_default();
        // A name has no zero byte in it, and neither has JSON.
        let variables = serde_json::to_vec(&request.variables).ok()?;
        let parts = [name.as_bytes(), &variables, request.query.as_bytes()].join(&0);
        // Half of it is as good: one only shares with oneself.
        Sha256::digest(parts).first_chunk().copied().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_in_words_values_or_operation_is_another_question() {
        let ask = |query: &str, name: &str, id: &str| {
            let variables = Variables::from_json(json!({ "id": id }));
            Question::of(&Request::new(query).operation_name(name).variables(variables))
                .expect("values that can be written")
        };
        let first = ask("subscription A { a }", "A", "1");
        assert_eq!(first, ask("subscription A { a }", "A", "1"));
        for other in [
            ask("subscription A { b }", "A", "1"),
            ask("subscription A { a }", "B", "1"),
            ask("subscription A { a }", "A", "2"),
        ] {
            assert_ne!(first, other);
        }
    }
}
