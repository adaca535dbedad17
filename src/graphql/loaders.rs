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
        copies::{self, Link, Source},
        interactions::Interaction,
        streams::{self, Stream},
    },
    domain::{
        ids::{AccountId, InteractionId, UserId},
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

/// What is asked for, person by person.
fn by_user<T: Clone>(keys: &[(UserId, T)]) -> HashMap<UserId, Vec<T>> {
    let mut users: HashMap<UserId, Vec<T>> = HashMap::new();
    for (user, key) in keys {
        users.entry(*user).or_default().push(key.clone());
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

/// Loads the sources of interactions; keys are as those of [`AccountLoader`].
pub(super) struct SourceLoader {
    app: App,
}

impl SourceLoader {
    /// As [`AccountLoader::create`].
    pub(super) fn create(app: App) -> DataLoader<Self> {
        DataLoader::new(Self { app }, tokio::spawn)
    }

    /// The sources of one interaction, together with those of every other one on the page.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of(
        ctx: &Context<'_>,
        user: UserId,
        interaction: InteractionId,
    ) -> async_graphql::Result<Vec<Source>> {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        let found = loader.load_one((user, interaction)).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))?;
        Ok(found.unwrap_or_default())
    }
}

impl Loader<(UserId, InteractionId)> for SourceLoader {
    type Value = Vec<Source>;
    type Error = std::sync::Arc<anyhow::Error>;

    async fn load(
        &self,
        keys: &[(UserId, InteractionId)],
    ) -> Result<HashMap<(UserId, InteractionId), Self::Value>, Self::Error> {
        let mut found: HashMap<_, Self::Value> = HashMap::new();
        for (user, interactions) in by_user(keys) {
            let all = async {
                let mut tx = self.app.db.begin(user).await?;
                let sources = copies::sources(&mut tx, &interactions).await?;
                tx.commit().await?;
                Ok::<_, anyhow::Error>(sources)
            };
            for source in all.await.map_err(std::sync::Arc::new)? {
                found.entry((user, source.of)).or_default().push(source);
            }
        }
        Ok(found)
    }
}

/// Loads the meetings that mails are about, and the mails about meetings.
pub(super) struct LinkLoader {
    app: App,
}

/// A link, and the universal id of the meeting.
type LinkKey = (UserId, (Link, String));

impl LinkLoader {
    /// As [`AccountLoader::create`].
    pub(super) fn create(app: App) -> DataLoader<Self> {
        DataLoader::new(Self { app }, tokio::spawn)
    }

    /// What one universal id leads to, together with every other one on the page.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of(
        ctx: &Context<'_>,
        user: UserId,
        link: Link,
        name: String,
    ) -> async_graphql::Result<Vec<Interaction>> {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        let found = loader.load_one((user, (link, name))).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))?;
        Ok(found.unwrap_or_default())
    }
}

impl Loader<LinkKey> for LinkLoader {
    type Value = Vec<Interaction>;
    type Error = std::sync::Arc<anyhow::Error>;

    async fn load(&self, keys: &[LinkKey]) -> Result<HashMap<LinkKey, Self::Value>, Self::Error> {
        let mut found: HashMap<_, Self::Value> = HashMap::new();
        for (user, wanted) in by_user(keys) {
            for link in [Link::Meeting, Link::MailsAbout] {
                let names: Vec<String> =
                    wanted.iter().filter(|(of, _)| *of == link).map(|(_, name)| name.clone()).collect();
                if names.is_empty() {
                    continue;
                }
                let all = async {
                    let mut tx = self.app.db.begin(user).await?;
                    let linked = copies::linked(&mut tx, link, &names).await?;
                    tx.commit().await?;
                    Ok::<_, anyhow::Error>(linked)
                };
                for (name, row) in all.await.map_err(std::sync::Arc::new)? {
                    found.entry((user, (link, name))).or_default().push(row);
                }
            }
        }
        Ok(found)
    }
}
