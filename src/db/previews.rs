//! Previews: the consent snapshots.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper, dsl::now};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{Result, Tx, schema::previews};
use crate::domain::ids::{AccountId, PreviewId};

/// A stored preview.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = previews, check_for_backend(diesel::pg::Pg))]
pub struct Preview {
    pub preview_id: PreviewId,
    pub account_id: AccountId,
    pub snapshot: Value,
    pub hash: String,
    pub facts: Value,
    /// Sealed; `None` once forgotten.
    pub samples: Option<Vec<u8>>,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Preview {
    /// Stores a preview.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert(&self, tx: &mut Tx) -> Result<()> {
        let row = (
            previews::user_id.eq(tx.user().0),
            previews::preview_id.eq(self.preview_id.0),
            previews::account_id.eq(self.account_id.0),
            previews::snapshot.eq(&self.snapshot),
            previews::hash.eq(&self.hash),
            previews::facts.eq(&self.facts),
            previews::samples.eq(&self.samples),
            previews::created_at.eq(self.created_at),
            previews::expires_at.eq(self.expires_at),
        );
        diesel::insert_into(previews::table).values(row).execute(&mut **tx).await?;
        Ok(())
    }

    /// The preview with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: PreviewId) -> Result<Option<Self>> {
        let query = previews::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The previews with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[PreviewId]) -> Result<Vec<Self>> {
        let query = previews::table
            .filter(previews::user_id.eq(tx.user().0))
            .filter(previews::preview_id.eq_any(ids.iter().map(|id| id.0)))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// Forgets the samples of every preview that has expired, whoever's it is. For the scheduler's role, which may not ask
    /// for samples: that each is forgotten once, and not at every sweep, is the policy's doing.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn forget_expired_samples(tx: &mut Tx) -> Result<usize> {
        let expired = previews::table.filter(previews::expires_at.lt(now));
        Ok(diesel::update(expired).set(previews::samples.eq(None::<Vec<u8>>)).execute(&mut **tx).await?)
    }
}
