//! `statistics`: what PostgreSQL knows of its tables keeps up with a first sync.

use super::Result;
use crate::db::{Db, statistics};

/// Has the tables that have grown much counted anew.
///
/// # Errors
/// When the database fails.
pub async fn sweep(scheduler: &Db) -> Result<()> {
    let mut tx = scheduler.begin_unscoped().await?;
    statistics::refresh(&mut tx).await?;
    Ok(tx.commit().await?)
}
