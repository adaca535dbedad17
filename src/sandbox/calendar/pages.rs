//! Pages of events: tokens that lead from one to the next.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token},
        rng::digest64,
    },
    listing::Key,
};

/// Where a page begins, and which question it belongs to.
#[derive(Serialize, Deserialize)]
pub(super) struct PageToken {
    /// The calendar's sequence when the first page was read: what the sync token will say.
    as_of: u64,
    after: Key,
    question: u64,
    /// Nothing is on this page, and the next begins at the same place.
    #[serde(default)]
    is_empty: bool,
}

/// A page token answers one question only, however large its pages.
pub(super) fn fingerprint(params: &Params) -> u64 {
    let pairs = params.pairs().iter().filter(|(name, _)| name != "pageToken" && name != "maxResults");
    let parts: Vec<&[u8]> = pairs.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).collect();
    digest64(&parts)
}

/// One page, and what leads to the next.
pub(super) struct Page<'f> {
    pub items: &'f [(Key, Map<String, Value>)],
    pub next: Option<PageToken>,
    pub as_of: u64,
}

/// Cuts the page that `params` ask for. With `empty_pages` the first one is empty, and so is each after one that is not.
pub(super) fn page<'f>(
    found: &'f [(Key, Map<String, Value>)],
    params: &Params,
    question: u64,
    seq: u64,
    empty_pages: bool,
) -> ApiResult<Page<'f>> {
    let limit = params
        .max_results(250, 2_500)
        .ok_or_else(|| ApiError::invalid_parameter("maxResults", "Invalid integer value."))?;
    let token = match params.find("pageToken") {
        None => PageToken { as_of: seq, after: Key::default(), question, is_empty: empty_pages },
        Some(token) => open_token("events", token)
            .filter(|token: &PageToken| token.question == question)
            .ok_or_else(|| ApiError::invalid_parameter("pageToken", "Invalid page token value."))?,
    };
    let as_of = token.as_of;
    let rest = &found[found.partition_point(|(key, _)| *key <= token.after)..];
    if token.is_empty && !rest.is_empty() {
        return Ok(Page { items: &[], next: Some(PageToken { is_empty: false, ..token }), as_of });
    }
    if rest.len() <= limit {
        return Ok(Page { items: rest, next: None, as_of });
    }
    // A page that is not the last may hold fewer than asked for; clients must go by the token alone.
    let items = &rest[..limit - limit / 10];
    let after = items.last().map(|(key, _)| key.clone()).unwrap_or_default();
    Ok(Page { items, next: Some(PageToken { as_of, after, question, is_empty: empty_pages }), as_of })
}
