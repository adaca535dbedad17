//! Transactions that may touch one person's rows and no others.

use std::{
    ops::{Deref, DerefMut},
    time::Duration,
};

use diesel_async::{
    AnsiTransactionManager, AsyncPgConnection, SimpleAsyncConnection, TransactionManager, methods::ExecuteDsl,
    pooled_connection::deadpool::Object,
};
use futures::future::try_join_all;
use tokio::time::timeout;

use super::{Db, Result, pool};
use crate::domain::ids::UserId;

/// How long a rollback may wait for a statement that still runs, for nobody, until that is called off.
const CALLED_OFF_AFTER: Duration = Duration::from_millis(250);

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// Invariant: every statement sees `app.user_id` as the user it was opened for, or, for the scheduler, nothing. The setting
/// ends with the transaction, so a pooled connection carries no one's name to its next user.
///
/// # Cancel safety
/// A future dropped while a statement runs, because its time is over or whoever asked has gone, has the statement called off, too.
pub struct Tx {
    /// `None` once the transaction is over.
    conn: Option<Object<AsyncPgConnection>>,
    user: Option<UserId>,
}

impl Db {
    /// Opens a transaction for one person.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self, user: UserId) -> Result<Tx> {
        // One round trip. A UUID prints as hexadecimal digits and hyphens only, so it needs no quoting.
        self.begin_with(&format!("BEGIN; SET LOCAL app.user_id = '{user}'"), Some(user)).await
    }

    /// Opens a transaction for one person whose statements are planned once for each connection, for no values in particular: for
    /// those that find their rows in one and the same way whatever is asked. Planning takes longer than such a statement does.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_planned(&self, user: UserId) -> Result<Tx> {
        let sql = format!("BEGIN; SET LOCAL app.user_id = '{user}'; SET LOCAL plan_cache_mode = force_generic_plan");
        self.begin_with(&sql, Some(user)).await
    }

    /// Opens a transaction for one person that only reads, and all of whose statements see one and the same moment.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_moment(&self, user: UserId) -> Result<Tx> {
        let sql = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL app.user_id = '{user}'");
        self.begin_with(&sql, Some(user)).await
    }

    /// Opens a transaction for nobody: of use to the scheduler's role only, whose grants reach across people.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_unscoped(&self) -> Result<Tx> {
        self.begin_with("BEGIN", None).await
    }

    async fn begin_with(&self, sql: &str, user: Option<UserId>) -> Result<Tx> {
        let mut conn = self.connection().await?;
        AnsiTransactionManager::begin_transaction_sql(&mut *conn, sql).await?;
        Ok(Tx { conn: Some(conn), user })
    }
}

impl Tx {
    /// Whose rows this transaction may touch.
    pub fn user(&self) -> UserId {
        self.user.expect("only the scheduler's statements run without a user, and none of them asks")
    }

    /// Runs these statements, each of which finds its rows by their key, all of them on their way at once. They are planned once
    /// for each connection: planning one takes longer than carrying it out.
    ///
    /// # Errors
    /// When the database refuses one of them.
    pub(super) async fn each<S>(&mut self, statements: impl IntoIterator<Item = S>) -> Result<()>
    where
        S: for<'c> ExecuteDsl<&'c AsyncPgConnection>,
    {
        let statements: Vec<S> = statements.into_iter().collect();
        if statements.is_empty() {
            return Ok(());
        }
        self.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan").await?;
        let conn: &AsyncPgConnection = self;
        let run = async |statement| ExecuteDsl::execute(statement, &mut { conn }).await;
        try_join_all(statements.into_iter().map(run)).await?;
        Ok(self.batch_execute("SET LOCAL plan_cache_mode = force_custom_plan").await?)
    }

    /// Makes everything since the beginning permanent.
    ///
    /// # Errors
    /// When the database cannot; then nothing was.
    pub async fn commit(mut self) -> Result<()> {
        if let Some(mut conn) = self.conn.take() {
            AnsiTransactionManager::commit_transaction(&mut *conn).await?;
        }
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        // Without a runtime (at shutdown) the connection is simply closed, which rolls back as well.
        if let (Some(mut conn), Ok(runtime)) = (self.conn.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                let rollback = AnsiTransactionManager::rollback_transaction(&mut *conn);
                match timeout(CALLED_OFF_AFTER, rollback).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => tracing::debug!(error = %error, "rollback failed; the connection is discarded"),
                    // The database may hear of it late, and would then end a statement of whoever has the connection next. Nobody has.
                    Err(_) => pool::call_off(Object::take(conn)).await,
                }
            });
        }
    }
}

impl Deref for Tx {
    type Target = AsyncPgConnection;

    fn deref(&self) -> &Self::Target {
        self.conn.as_deref().expect("present until commit or drop, which both end the value")
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.conn.as_deref_mut().expect("present until commit or drop, which both end the value")
    }
}
