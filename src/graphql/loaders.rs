//! Loaders: many objects that a page names, in one statement.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};

use super::{
    error::failed,
    objects::{account::Account as AccountObject, contact::Contact as ContactObject},
};
use crate::{
    app::App,
    db::{
        self, Tx,
        accounts::Account,
        contacts::{Contact, Identity},
        streams::{self, Stream},
    },
    domain::{
        ids::{AccountId, ContactId, UserId},
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
    ) -> async_graphql::Result<Option<AccountObject>> {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        let found = loader.load_one((user, account)).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))?;
        Ok(found.map(AccountObject))
    }
}

impl Loader<(UserId, AccountId)> for AccountLoader {
    type Value = Account;
    type Error = Arc<anyhow::Error>;

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
            let all = all.await.map_err(Arc::new)?;
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
    type Error = Arc<anyhow::Error>;

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
            for (stream, facts) in all.await.map_err(Arc::new)? {
                found.entry((user, stream.account_id)).or_default().push((stream, facts));
            }
        }
        Ok(found)
    }
}

/// A contact, by its id.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ById(UserId, ContactId);

/// A contact, by a mailbox of theirs.
#[derive(Clone, PartialEq, Eq, Hash)]
struct ByAddress(UserId, String);

/// The addresses of a contact.
#[derive(Clone, PartialEq, Eq, Hash)]
struct IdentitiesOf(UserId, ContactId);

/// Loads contacts, and their addresses; keys are as those of [`AccountLoader`].
pub(super) struct ContactLoader {
    app: App,
}

impl ContactLoader {
    /// As [`AccountLoader::create`].
    pub(super) fn create(app: App) -> DataLoader<Self> {
        DataLoader::new(Self { app }, tokio::spawn)
    }

    /// One contact, as an object.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn one(
        ctx: &Context<'_>,
        user: UserId,
        contact: ContactId,
    ) -> async_graphql::Result<Option<ContactObject>> {
        Ok(Self::load(ctx, ById(user, contact)).await?.map(ContactObject))
    }

    /// Whose a mailbox is, together with that of every other participant that the same page names.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn of_address(
        ctx: &Context<'_>,
        user: UserId,
        address: String,
    ) -> async_graphql::Result<Option<ContactObject>> {
        Ok(Self::load(ctx, ByAddress(user, address)).await?.map(ContactObject))
    }

    /// The addresses of one contact, together with those of every other one that the same page names.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn identities(
        ctx: &Context<'_>,
        user: UserId,
        contact: ContactId,
    ) -> async_graphql::Result<Vec<Identity>> {
        Ok(Self::load(ctx, IdentitiesOf(user, contact)).await?.unwrap_or_default())
    }

    async fn load<K>(ctx: &Context<'_>, key: K) -> async_graphql::Result<Option<<Self as Loader<K>>::Value>>
    where
        K: Send + Sync + Hash + Eq + Clone + 'static,
        Self: Loader<K, Error = Arc<anyhow::Error>>,
    {
        let loader = ctx.data::<DataLoader<Self>>().map_err(|_| failed(ctx, anyhow::anyhow!("no loader")))?;
        loader.load_one(key).await.map_err(|error| failed(ctx, anyhow::anyhow!(error)))
    }

    /// Reads as each of the people who ask, with what they ask for.
    async fn read<W, T>(
        &self,
        wanted: impl Iterator<Item = (UserId, W)>,
        look: impl AsyncFn(&mut Tx, &[W]) -> db::Result<Vec<T>>,
    ) -> Result<Vec<(UserId, T)>, Arc<anyhow::Error>> {
        let mut users: HashMap<UserId, Vec<W>> = HashMap::new();
        for (user, one) in wanted {
            users.entry(user).or_default().push(one);
        }
        let mut all = Vec::new();
        for (user, wanted) in users {
            let found = async {
                let mut tx = self.app.db.begin(user).await?;
                let found = look(&mut tx, &wanted).await?;
                tx.commit().await?;
                Ok::<_, anyhow::Error>(found)
            };
            all.extend(found.await.map_err(Arc::new)?.into_iter().map(|one| (user, one)));
        }
        Ok(all)
    }
}

impl Loader<ById> for ContactLoader {
    type Value = Contact;
    type Error = Arc<anyhow::Error>;

    async fn load(&self, keys: &[ById]) -> Result<HashMap<ById, Contact>, Self::Error> {
        let wanted = keys.iter().map(|ById(user, contact)| (*user, *contact));
        let found = self.read(wanted, async |tx: &mut Tx, ids: &[ContactId]| Contact::of_ids(tx, ids).await).await?;
        Ok(found.into_iter().map(|(user, contact)| (ById(user, contact.contact_id), contact)).collect())
    }
}

impl Loader<ByAddress> for ContactLoader {
    type Value = Contact;
    type Error = Arc<anyhow::Error>;

    async fn load(&self, keys: &[ByAddress]) -> Result<HashMap<ByAddress, Contact>, Self::Error> {
        let wanted = keys.iter().map(|ByAddress(user, address)| (*user, address.clone()));
        let look = async |tx: &mut Tx, addresses: &[String]| Contact::of_addresses(tx, addresses).await;
        let found = self.read(wanted, look).await?;
        Ok(found.into_iter().map(|(user, (address, contact))| (ByAddress(user, address), contact)).collect())
    }
}

impl Loader<IdentitiesOf> for ContactLoader {
    type Value = Vec<Identity>;
    type Error = Arc<anyhow::Error>;

    async fn load(&self, keys: &[IdentitiesOf]) -> Result<HashMap<IdentitiesOf, Vec<Identity>>, Self::Error> {
        let wanted = keys.iter().map(|IdentitiesOf(user, contact)| (*user, *contact));
        let look = async |tx: &mut Tx, ids: &[ContactId]| Identity::of_contacts(tx, ids).await;
        let mut all: HashMap<_, Vec<Identity>> = HashMap::new();
        for (user, identity) in self.read(wanted, look).await? {
            all.entry(IdentitiesOf(user, identity.contact_id)).or_default().push(identity);
        }
        Ok(all)
    }
}
