//! The ledger as clients see it: why is this mail here, or not here?

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};

use super::words::ItemOutcome;
use crate::{
    db::items::LedgerRow,
    graphql::id::{self, Kind},
};

/// What became of one id at the provider.
pub(crate) struct Item(pub LedgerRow);

/// What became of one id at the provider.
#[Object]
impl Item {
    /// The provider's id of the mail or event.
    async fn source_id(&self) -> &str {
        &self.0.source_id
    }

    /// The id of the stream it was seen in.
    async fn stream_id(&self) -> ID {
        id::encode(Kind::Stream, self.0.stream_id.0)
    }

    /// The id of the batch that `items` was asked about, else of the one that last touched it.
    async fn batch_id(&self) -> ID {
        id::encode(Kind::Batch, self.0.batch_id.0)
    }

    /// What became of it; where `items` was asked about a batch, in that batch.
    async fn outcome(&self) -> ItemOutcome {
        self.0.outcome.into()
    }

    /// Which rule kept it out, or why it failed; `null` otherwise.
    async fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Failed tries so far.
    async fn attempts(&self) -> i32 {
        self.0.attempts.into()
    }

    /// When it will be tried again; `null` when it will not.
    async fn next_try_at(&self) -> Option<DateTime<Utc>> {
        self.0.next_try_at
    }

    /// When it was first seen.
    async fn listed_at(&self) -> DateTime<Utc> {
        self.0.listed_at
    }

    /// When its outcome last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }
}
