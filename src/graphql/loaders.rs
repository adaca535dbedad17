//! Loaders: many objects that a page names, in one statement.

use std::collections::HashMap;

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};

use super::{error::failed, objects::account as objects};
use crate::{
    app::App,
    db::{
        accounts::Account,
        streams::{self, Stream},
    },
    domain::{
        ids::{AccountId, UserId},
        status::StreamFacts,
    },
};

/// Loads accounts; a key names whose they are, so that no batch mixes people.
pub(super) struct AccountLoader {
    app: App,
}

impl AccountLoader {
    /// The loader of the schema. It keeps nothing: two requests never share an answer.
    pub(super) fn create(app: App) -> DataLoader<Self> {
        DataLoader::new(Self { app }, tokio::spawn)
    }

    /// One account, as an object; together with every other one that the same page names.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn one(
        ctx: &Context<'_>,
        user: UserId,
        account: AccountId,
    ) -> async_graphql::Result<Option<objects::Account>> {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        let found = loader.load_one((user, account)).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))?;
        Ok(found.map(objects::Account))
    }
}

impl Loader<(UserId, AccountId)> for AccountLoader {
    type Value = Account;
    type Error = std::sync::Arc<anyhow::Error>;

    async fn load(&self, keys: &[(UserId, AccountId)]) -> Result<HashMap<(UserId, AccountId), Account>, Self::Error> {
        let mut found = HashMap::new();
        for (user, _) in by_user(keys) {
            // A person has a handful of accounts: all of them cost one statement, as some of them would.
            let all = async {
                let mut tx = self.app.db.begin(user).await?;
                let all = Account::all(&mut tx).await?;
                tx.commit().await?;
                Ok::<_, anyhow::Error>(all)
            };
            let all = all.await.map_err(std::sync::Arc::new)?;
            found.extend(all.into_iter().map(|account| ((user, account.account_id), account)));
        }
        Ok(found)
    }
}

/// The accounts that are asked for, person by person.
fn by_user(keys: &[(UserId, AccountId)]) -> HashMap<UserId, Vec<AccountId>> {
    let mut users: HashMap<UserId, Vec<AccountId>> = HashMap::new();
    for (user, account) in keys {
        users.entry(*user).or_default().push(*account);
    }
    users
}

/// Loads the streams of accounts with what is known of them; keys are as those of [`AccountLoader`].
pub(super) struct StreamLoader {
    app: App,
}

impl StreamLoader {
    /// As [`AccountLoader::create`].
    pub(super) fn create(app: App) -> DataLoader<Self> {
        DataLoader::new(Self { app }, tokio::spawn)
    }

    /// The streams of one account, together with those of every other one that the same page names.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of(
        ctx: &Context<'_>,
        user: UserId,
        account: AccountId,
    ) -> async_graphql::Result<Vec<(Stream, StreamFacts)>> {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        let found = loader.load_one((user, account)).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))?;
        Ok(found.unwrap_or_default())
    }
}

impl Loader<(UserId, AccountId)> for StreamLoader {
    type Value = Vec<(Stream, StreamFacts)>;
    type Error = std::sync::Arc<anyhow::Error>;

    async fn load(
        &self,
        keys: &[(UserId, AccountId)],
    ) -> Result<HashMap<(UserId, AccountId), Self::Value>, Self::Error> {
        let mut found: HashMap<_, Self::Value> = HashMap::new();
        for (user, accounts) in by_user(keys) {
            let all = async {
                let mut tx = self.app.db.begin(user).await?;
                let streams = Stream::of_accounts(&mut tx, &accounts).await?;
                let facts = streams::facts(&mut tx, &streams).await?;
                tx.commit().await?;
                Ok::<_, anyhow::Error>(streams.into_iter().zip(facts))
            };
            for (stream, facts) in all.await.map_err(std::sync::Arc::new)? {
                found.entry((user, stream.account_id)).or_default().push((stream, facts));
            }
        }
        Ok(found)
    }
}
