//! The ledger, asked: what became of an item, and why is it not here?

use super::{Result, Vault};
use crate::{
    app::App,
    db::items::{self, LedgerFilter, LedgerPlace, LedgerRow},
    domain::{ids::UserId, item::UniversalId},
};

/// Up to `limit` items between two keys, as [`items::page`] has them; with `universal_id`, only those that came under that name.
///
/// # Errors
/// When the database fails, or the person's key cannot be opened.
pub async fn page(
    app: &App,
    user: UserId,
    mut filter: LedgerFilter<'_>,
    universal_id: Option<&UniversalId>,
    between: (Option<LedgerPlace>, Option<LedgerPlace>),
    backward: bool,
    limit: i64,
) -> Result<Vec<LedgerRow>> {
    let mut tx = app.db.begin_reading(user).await?;
    if let Some(id) = universal_id {
        // Who has no key has no items either.
        let Some(vault) = Vault::find(app, &mut tx).await? else { return Ok(Vec::new()) };
        filter.universal_hash = Some(vault.universal_hash(id));
    }
    let rows = items::page(&mut tx, &filter, between, backward, limit).await?;
    tx.commit().await?;
    Ok(rows)
}
