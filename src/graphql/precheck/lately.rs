//! Documents that have passed lately. Clients send the same few again and again, and to parse one takes longer than all else that is
//! looked at in it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::{Request, parser::types::ExecutableDocument};
use lru::LruCache;

use super::{Checked, MAX_BYTES, Refusal, examine, may_hold_words, parse};
use crate::config;

/// Bytes of all the texts that are kept. What they are parsed to takes some twenty times as much, at worst a hundred and fifty times.
const MAX_KEPT_BYTES: usize = 4 * MAX_BYTES;
/// Bytes of one of them: whoever sends longer ones may not take everybody's place.
const MAX_DOCUMENT_BYTES: usize = MAX_BYTES / 8;

/// The documents, those that were sent last the longest, and none that may hold somebody's words.
pub struct Lately(Mutex<Kept>);

struct Kept {
    documents: LruCache<String, Arc<ExecutableDocument>>,
    n_bytes: usize,
}

impl Default for Lately {
    fn default() -> Self {
        Self(Mutex::new(Kept { documents: LruCache::unbounded(), n_bytes: 0 }))
    }
}

impl Lately {
    /// Checks the document of `request` and leaves it in `request`, parsed: what has passed lately is not parsed again.
    ///
    /// # Errors
    /// One [`Refusal`], the first found: not GraphQL, over a limit, introspection while that is off, an operation name that fits no
    /// operation, or a variable without a value of its type.
    pub fn check(&self, request: &mut Request, limits: &config::GraphQl) -> Result<Checked, Refusal> {
        let met = self.kept().documents.get(&request.query).cloned();
        let is_new = met.is_none();
        let document = match met {
            Some(document) => document,
            None => Arc::new(parse(request, limits)?),
        };
        let checked = examine(&document, request, limits)?;
        // A copy takes no more than it needs, where what the parser makes grows by doubling; a subscription keeps it for as long as it
        // lasts.
        let copy = ExecutableDocument::clone(&document);
        if is_new && request.query.len() <= MAX_DOCUMENT_BYTES && !may_hold_words(&request.query) {
            self.kept().keep(request.query.clone(), Arc::new(copy.clone()));
        }
        request.set_parsed_query(copy);
        Ok(checked)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn keep(&mut self, text: String, document: Arc<ExecutableDocument>) {
        self.n_bytes += text.len();
        if let Some((replaced, _)) = self.documents.push(text, document) {
            self.n_bytes -= replaced.len();
        }
        while self.n_bytes > MAX_KEPT_BYTES
            && let Some((text, _)) = self.documents.pop_lru()
        {
            self.n_bytes -= text.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;
    use crate::graphql::code::Code;

    fn cost(lately: &Lately, document: &str, n: i32) -> Result<usize, Code> {
        let variables = Variables::from_json(json!({ "n": n }));
        let checked = lately.check(&mut Request::new(document).variables(variables), &config::GraphQl::default());
        checked.map(|checked| checked.cost).map_err(|refusal| refusal.code)
    }

    fn has(lately: &Lately, document: &str) -> bool {
        lately.kept().documents.contains(document)
    }

    #[test]
    fn a_document_is_checked_the_same_whenever_it_comes() {
        let lately = Lately::default();
        for document in ["{ a b }", "query($n: Int!) { a(first: $n) { b } }", "{ a", "query($m: Int!) { a(first: $m) }"]
        {
            for n in [1, 50, 20] {
                assert_eq!(cost(&lately, document, n), cost(&Lately::default(), document, n), "{document}");
            }
        }
        assert!(has(&lately, "{ a b }") && !has(&lately, "{ a"), "what is refused is not kept");
    }

    #[test]
    fn what_is_kept_has_bounds_and_nobodys_words() {
        let lately = Lately::default();
        let document = |number: usize| format!("{{ a{number:0>500}: b }}");
        for number in 0..2_000 {
            cost(&lately, &document(number), 1).unwrap();
        }
        let (long, private) = (format!("{{ a{} }}", " ".repeat(MAX_DOCUMENT_BYTES)), r#"{ a(x: "Dear Ada") }"#);
        for document in [long.as_str(), private] {
            cost(&lately, document, 1).unwrap();
            assert!(!has(&lately, document));
        }
        assert!(has(&lately, &document(1_999)) && !has(&lately, &document(0)));
        let kept = lately.kept();
        assert!(kept.n_bytes <= MAX_KEPT_BYTES && kept.n_bytes > MAX_KEPT_BYTES / 2, "{}", kept.n_bytes);
        assert_eq!(kept.n_bytes, kept.documents.iter().map(|(text, _)| text.len()).sum::<usize>());
    }
}
