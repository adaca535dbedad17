//! Linked accounts, and the attempts to link them.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper, dsl::now};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Result, Tx,
    schema::{accounts, connect_attempts},
};
use crate::domain::{
    account::{AccountState, ProviderName, Service},
    deletion::{DeletionKind, DeletionPolicy},
    ids::AccountId,
};

/// A linked account. Tokens are sealed.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = accounts, check_for_backend(diesel::pg::Pg))]
pub struct Account {
    pub account_id: AccountId,
    pub provider: ProviderName,
    pub subject: String,
    pub email: String,
    pub scopes: Vec<String>,
    pub state: AccountState,
    pub state_reason: Option<String>,
    pub access_token: Option<Vec<u8>>,
    pub refresh_token: Option<Vec<u8>>,
    pub access_expires_at: Option<DateTime<Utc>>,
    pub linked_at: DateTime<Utc>,
    pub deletion_policy: DeletionKind,
    pub tombstone_days: i32,
    /// The addresses of its mailbox that are the person's own; see [`Account::own_addresses`].
    pub addresses: Vec<String>,
}

impl Account {
    /// The addresses that are the person's own here, lower case: the one the account is known by, and what the provider told of.
    pub fn own_addresses(&self) -> Vec<String> {
        let email = self.email.to_lowercase();
        let others = self.addresses.iter().filter(|address| **address != email).cloned();
        std::iter::once(email.clone()).chain(others).collect()
    }

    /// What deletions at the provider mean for it.
    pub const fn deletions(&self) -> DeletionPolicy {
        DeletionPolicy { kind: self.deletion_policy, tombstone_days: self.tombstone_days }
    }

    /// The account with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: AccountId) -> Result<Option<Self>> {
        let query = accounts::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// As [`Account::find`], and holds the row against every other writer until the transaction ends.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn lock(tx: &mut Tx, id: AccountId) -> Result<Option<Self>> {
        let query = accounts::table.find((tx.user().0, id.0)).for_no_key_update().select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The account with this permanent id at the provider.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_by_subject(tx: &mut Tx, provider: ProviderName, subject: &str) -> Result<Option<Self>> {
        let query = accounts::table
            .filter(accounts::user_id.eq(tx.user().0))
            .filter(accounts::provider.eq(provider.as_str()))
            .filter(accounts::subject.eq(subject))
            .select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// All accounts, oldest link first. A person has a handful, so the list is whole.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn all(tx: &mut Tx) -> Result<Vec<Self>> {
        let query = accounts::table
            .filter(accounts::user_id.eq(tx.user().0))
            .order(accounts::account_id)
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }
}

/// Notes which addresses are the person's own in an account, and says whether others were known.
///
/// # Errors
/// When the database refuses.
pub async fn know_addresses(tx: &mut Tx, id: AccountId, addresses: &[String]) -> Result<bool> {
    let others = accounts::table.find((tx.user().0, id.0)).filter(accounts::addresses.ne(addresses));
    let known = (accounts::addresses.eq(addresses), accounts::updated_at.eq(now));
    Ok(diesel::update(others).set(known).execute(&mut **tx).await? > 0)
}

/// What a completed link writes. Tokens are sealed.
pub struct Link<'a> {
    pub account: AccountId,
    pub provider: ProviderName,
    pub subject: &'a str,
    pub email: &'a str,
    pub scopes: &'a [String],
    pub state: AccountState,
    pub state_reason: Option<&'a str>,
    pub access_token: &'a [u8],
    /// `None` keeps the one there is: providers send it on the first consent only.
    pub refresh_token: Option<&'a [u8]>,
    pub access_expires_at: DateTime<Utc>,
}

/// Links an account, or links it again under the same id.
///
/// # Errors
/// When the database refuses.
pub async fn link(tx: &mut Tx, link: &Link<'_>) -> Result<()> {
    let values = (
        accounts::email.eq(link.email),
        accounts::scopes.eq(link.scopes),
        accounts::state.eq(link.state.as_str()),
        accounts::state_reason.eq(link.state_reason),
        accounts::access_token.eq(Some(link.access_token)),
        accounts::access_expires_at.eq(Some(link.access_expires_at)),
        accounts::linked_at.eq(now),
        accounts::updated_at.eq(now),
    );
    let keys = (
        accounts::user_id.eq(tx.user().0),
        accounts::account_id.eq(link.account.0),
        accounts::provider.eq(link.provider.as_str()),
        accounts::subject.eq(link.subject),
        accounts::refresh_token.eq(link.refresh_token),
    );
    diesel::insert_into(accounts::table)
        .values((keys, values))
        .on_conflict((accounts::user_id, accounts::account_id))
        .do_update()
        .set((values, link.refresh_token.map(|token| accounts::refresh_token.eq(token))))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Stores what a token refresh brought. Tokens are sealed; `refresh_token` is `None` where the old one stays in force.
///
/// # Errors
/// When the database refuses.
pub async fn save_tokens(
    tx: &mut Tx,
    id: AccountId,
    access_token: &[u8],
    refresh_token: Option<&[u8]>,
    access_expires_at: DateTime<Utc>,
) -> Result<()> {
    diesel::update(accounts::table.find((tx.user().0, id.0)))
        .filter(accounts::state.ne(AccountState::Disconnected.as_str()))
        .set((
            accounts::access_token.eq(access_token),
            refresh_token.map(|token| accounts::refresh_token.eq(token)),
            accounts::access_expires_at.eq(access_expires_at),
            accounts::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Says that an account cannot be used, and why, in words fit to show.
///
/// # Errors
/// When the database refuses.
pub async fn mark(tx: &mut Tx, id: AccountId, state: AccountState, reason: &str) -> Result<()> {
    diesel::update(accounts::table.find((tx.user().0, id.0)))
        .filter(accounts::state.ne(AccountState::Disconnected.as_str()))
        .set((accounts::state.eq(state.as_str()), accounts::state_reason.eq(reason), accounts::updated_at.eq(now)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Forgets an account's tokens and what they reach. The row stays, so that linking it again keeps the id.
///
/// # Errors
/// When the database refuses.
pub async fn disconnect(tx: &mut Tx, id: AccountId) -> Result<()> {
    diesel::update(accounts::table.find((tx.user().0, id.0)))
        .set((
            accounts::state.eq(AccountState::Disconnected.as_str()),
            accounts::state_reason.eq(None::<String>),
            accounts::scopes.eq(Vec::<String>::new()),
            accounts::access_token.eq(None::<Vec<u8>>),
            accounts::refresh_token.eq(None::<Vec<u8>>),
            accounts::access_expires_at.eq(None::<DateTime<Utc>>),
            accounts::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// What deletions at the provider mean for an account from now on.
///
/// # Errors
/// When the database refuses.
pub async fn set_deletions(tx: &mut Tx, id: AccountId, policy: DeletionPolicy) -> Result<()> {
    diesel::update(accounts::table.find((tx.user().0, id.0)))
        .set((
            accounts::deletion_policy.eq(policy.kind.as_str()),
            accounts::tombstone_days.eq(policy.tombstone_days),
            accounts::updated_at.eq(now),
        ))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// One time a person was sent to a provider.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = connect_attempts, check_for_backend(diesel::pg::Pg))]
pub struct ConnectAttempt {
    pub provider: ProviderName,
    pub services: Vec<String>,
    pub nonce: String,
    /// Sealed.
    pub verifier: Vec<u8>,
    /// `None` when the application finishes with a code.
    pub browser_hash: Option<Vec<u8>>,
    pub return_to: String,
}

/// What a new attempt writes.
pub struct NewAttempt<'a> {
    pub attempt: Uuid,
    pub provider: ProviderName,
    pub services: &'a [Service],
    pub nonce: &'a str,
    /// Sealed.
    pub verifier: &'a [u8],
    pub browser_hash: Option<&'a [u8]>,
    pub return_to: &'a str,
    pub expires_at: DateTime<Utc>,
}

impl ConnectAttempt {
    /// Stores an attempt, and forgets this person's attempts that have run out.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn insert(tx: &mut Tx, new: &NewAttempt<'_>) -> Result<()> {
        let stale = connect_attempts::table
            .filter(connect_attempts::user_id.eq(tx.user().0))
            .filter(connect_attempts::expires_at.lt(now));
        diesel::delete(stale).execute(&mut **tx).await?;
        let services: Vec<&str> = new.services.iter().map(|service| service.as_str()).collect();
        let row = (
            connect_attempts::user_id.eq(tx.user().0),
            connect_attempts::attempt_id.eq(new.attempt),
            connect_attempts::provider.eq(new.provider.as_str()),
            connect_attempts::services.eq(services),
            connect_attempts::nonce.eq(new.nonce),
            connect_attempts::verifier.eq(new.verifier),
            connect_attempts::browser_hash.eq(new.browser_hash),
            connect_attempts::return_to.eq(new.return_to),
            connect_attempts::expires_at.eq(new.expires_at),
        );
        diesel::insert_into(connect_attempts::table).values(row).execute(&mut **tx).await?;
        Ok(())
    }

    /// The attempt, if it was not used and is in time.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find_usable(tx: &mut Tx, attempt: Uuid, at: DateTime<Utc>) -> Result<Option<Self>> {
        let query = connect_attempts::table
            .find((tx.user().0, attempt))
            .filter(connect_attempts::consumed_at.is_null())
            .filter(connect_attempts::expires_at.gt(at))
            .select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// Uses an attempt up; `None` when it was used before or its time is over.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn consume(tx: &mut Tx, attempt: Uuid, at: DateTime<Utc>) -> Result<Option<Self>> {
        let usable = connect_attempts::table
            .find((tx.user().0, attempt))
            .filter(connect_attempts::consumed_at.is_null())
            .filter(connect_attempts::expires_at.gt(at));
        let query = diesel::update(usable).set(connect_attempts::consumed_at.eq(now)).returning(Self::as_returning());
        Ok(query.get_result(&mut **tx).await.optional()?)
    }
}
