//! Pages of events: tokens that lead from one to the next.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        envelope::{ApiError, ApiResult},
        params::{Params, open_token},
        rng::digest64,
    },
    listing::{Ask, Found, Key, list as select},
    store::Calendar,
};

/// Where a page begins, and which question it belongs to.
#[derive(Serialize, Deserialize)]
pub(super) struct PageToken {
    /// The calendar's sequence when the first page was read: what the sync token will say.
    as_of: u64,
    after: Option<Key>,
    question: u64,
    /// Nothing is on this page, and the next begins at the same place.
    is_empty: bool,
}

/// A page token answers one question only, however large its pages.
fn fingerprint(params: &Params) -> u64 {
    let pairs = params.pairs().iter().filter(|(name, _)| name != "pageToken" && name != "maxResults");
    let parts: Vec<&[u8]> = pairs.flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).collect();
    digest64(&parts)
}

/// Which part of the answer a request is for.
pub(super) struct Cut {
    from: PageToken,
    limit: usize,
    empty_pages: bool,
}

impl Cut {
    /// With `empty_pages` the first page is empty, and so is each after one that is not.
    pub(super) fn read(params: &Params, seq: u64, empty_pages: bool) -> ApiResult<Self> {
        let limit = params
            .max_results(250, 2_500)
            .ok_or_else(|| ApiError::invalid_parameter("maxResults", "Invalid integer value."))?;
        let question = fingerprint(params);
        let from = match params.find("pageToken") {
            None => PageToken { as_of: seq, after: None, question, is_empty: empty_pages },
            Some(token) => open_token("events", token)
                .filter(|token: &PageToken| token.question == question)
                .ok_or_else(|| ApiError::invalid_parameter("pageToken", "Invalid page token value."))?,
        };
        Ok(Self { from, limit, empty_pages })
    }

    /// The calendar's sequence when the first page was read.
    pub(super) fn as_of(&self) -> u64 {
        self.from.as_of
    }

    /// The page, and the token of the next.
    pub(super) fn page(self, calendar: &Calendar, ask: &Ask, now: DateTime<Utc>) -> (Vec<Found>, Option<PageToken>) {
        let mut items = select(calendar, ask, now, self.from.after.as_ref(), self.limit + 1);
        if self.from.is_empty && !items.is_empty() {
            return (Vec::new(), Some(PageToken { is_empty: false, ..self.from }));
        }
        if items.len() <= self.limit {
            return (items, None);
        }
        // A page that is not the last may hold fewer than asked for; clients must go by the token alone.
        items.truncate(self.limit - self.limit / 10);
        let after = items.last().map(|(key, _)| key.clone());
        (items, Some(PageToken { after, is_empty: self.empty_pages, ..self.from }))
    }
}
