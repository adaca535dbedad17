//! Access to an account at its provider: tokens opened, and refreshed once for all workers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Refusal, Result, Vault, calls::budgets, work::hint_accounts};
use crate::{
    app::App,
    db::accounts::{self, Account},
    domain::{
        account::{AccountState, Service},
        consent::Label,
        ids::{AccountId, UserId},
        quota::Call,
        stream::Collection,
    },
    providers::{Class, Provider},
};

/// A token is renewed when it has less than this left.
const RENEW_BEFORE: TimeDelta = TimeDelta::minutes(5);
/// How long one worker may take to refresh before another tries.
const REFRESH_LOCK: Duration = Duration::from_secs(30);

/// An account that can be read, with what that takes.
#[derive(Clone)]
pub(super) struct Session {
    /// By what the breakers know who probes.
    pub(super) id: Uuid,
    pub(super) user: UserId,
    pub(super) account: Account,
    pub(super) vault: Vault,
    pub(super) access: SecretString,
}

impl Session {
    /// Opens the account, refreshing its token if it is about to run out.
    ///
    /// # Errors
    /// Refused when the account is unknown, disconnected or needs the person.
    pub(super) async fn open(app: &App, user: UserId, id: AccountId) -> Result<Self> {
        let session = Self::load(app, user, id).await?;
        if session.is_fresh(app.clock.now()) { Ok(session) } else { session.refresh(app).await }
    }

    async fn load(app: &App, user: UserId, id: AccountId) -> Result<Self> {
        let mut tx = app.db.begin(user).await?;
        let account = Account::find(&mut tx, id).await?.ok_or(Refusal::NotFound { what: "account" })?;
        match account.state {
            AccountState::Active | AccountState::NeedsScope => {}
            AccountState::NeedsReauth => return Err(Refusal::NeedsReauth.into()),
            AccountState::Disconnected => return Err(Refusal::Disconnected.into()),
        }
        let vault = Vault::open(app, &mut tx).await?;
        tx.commit().await?;
        let sealed = account.access_token.as_deref().ok_or(Refusal::Disconnected)?;
        let access = vault.open_token(id, "access_token", sealed)?;
        Ok(Self { id: Uuid::new_v4(), user, account, vault, access })
    }

    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.account.access_expires_at.is_some_and(|at| at > now + RENEW_BEFORE)
    }

    /// Gets a new access token; of all workers that want one at once, one asks the provider.
    ///
    /// # Errors
    /// Refused when the grant is dead; the account then says so.
    pub(super) async fn refresh(self, app: &App) -> Result<Self> {
        let (user, id, stale) = (self.user, self.account.account_id, self.access);
        let deadline = tokio::time::Instant::now() + REFRESH_LOCK;
        loop {
            let lock = app.broker.lock(&format!("refresh:{id}"), REFRESH_LOCK).await?;
            // Whoever held the lock may have been done already.
            let session = Self::load(app, user, id).await?;
            if session.access.expose_secret() != stale.expose_secret() {
                if let Some(lock) = lock {
                    lock.release().await?;
                }
                return Ok(session);
            }
            if let Some(lock) = lock {
                let refreshed = session.ask_provider(app).await;
                lock.release().await?;
                return refreshed;
            }
            if tokio::time::Instant::now() > deadline {
                return Err(Refusal::ProviderUnavailable.into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn ask_provider(mut self, app: &App) -> Result<Self> {
        let id = self.account.account_id;
        let Some(sealed) = self.account.refresh_token.as_deref() else {
            self.mark(
                app,
                AccountState::NeedsReauth,
                "The provider gave no lasting access. Connect the account again.",
            )
            .await?;
            return Err(Refusal::NeedsReauth.into());
        };
        let refresh = self.vault.open_token(id, "refresh_token", sealed)?;
        let tokens = match app.google.refresh(&refresh).await {
            Ok(tokens) => tokens,
            Err(error) => {
                if error.class == Class::NeedsReauth {
                    let reason = "The link has expired or was taken back at the provider. Connect the account again.";
                    self.mark(app, AccountState::NeedsReauth, reason).await?;
                }
                return Err(error.into());
            }
        };
        let access = self.vault.seal_token(id, "access_token", tokens.access.expose_secret())?;
        let rotated =
            tokens.refresh.as_ref().map(|token| self.vault.seal_token(id, "refresh_token", token.expose_secret()));
        let rotated = rotated.transpose()?;
        let expires_at =
            app.clock.now() + TimeDelta::from_std(tokens.expires_in).unwrap_or_else(|_| TimeDelta::hours(1));
        let mut tx = app.db.begin(self.user).await?;
        accounts::save_tokens(&mut tx, id, &access, rotated.as_deref(), expires_at).await?;
        tx.commit().await?;
        self.account.access_expires_at = Some(expires_at);
        self.access = tokens.access;
        Ok(self)
    }

    /// Says on the account that it cannot be used.
    pub(super) async fn mark(&self, app: &App, state: AccountState, reason: &str) -> Result<()> {
        let mut tx = app.db.begin(self.user).await?;
        accounts::mark(&mut tx, self.account.account_id, state, reason).await?;
        tx.commit().await?;
        hint_accounts(app, self.user).await;
        Ok(())
    }

    /// Refuses when the person did not grant access to a service.
    ///
    /// # Errors
    /// As said.
    pub(super) fn require(&self, service: Service) -> Result<(), Refusal> {
        if service.is_granted(&self.account.scopes) {
            return Ok(());
        }
        let service = match service {
            Service::Gmail => "mail",
            Service::Calendar => "calendar",
        };
        Err(Refusal::ScopeMissing { service })
    }

    /// Makes every worker stay away from the account until then, because the provider said so.
    ///
    /// # Errors
    /// When Redis does not answer.
    pub(super) async fn throttle(&self, app: &App, service: Service, until: DateTime<Utc>) -> Result<()> {
        let [user, _] = budgets(app, service, self.account.account_id);
        Ok(app.broker.throttle(&user.key, until).await?)
    }

    /// The calendars the account can read.
    ///
    /// # Errors
    /// Refused when the provider does not tell: with [`Refusal::NeedsReauth`] also when it has ended the access token before
    /// its time, which [`Session::refresh`] can heal.
    pub(super) async fn calendars(&self, app: &App) -> Result<Vec<Collection>> {
        self.call_now(app, Call::Calendar, app.google.collections(&self.access, Service::Calendar)).await
    }

    /// The account's labels.
    ///
    /// # Errors
    /// As [`Session::calendars`].
    pub(super) async fn labels(&self, app: &App) -> Result<Vec<Label>> {
        self.call_now(app, Call::GmailLabels, app.google.labels(&self.access)).await
    }
}
