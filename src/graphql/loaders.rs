//! Loaders: many objects that a page names, in one statement.

use std::collections::HashMap;

use async_graphql::{
    Context,
    dataloader::{DataLoader, Loader},
};

use super::{error::failed, objects::account as objects};
use crate::{
    app::App,
    db::accounts::Account,
    domain::ids::{AccountId, UserId},
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
        let mut users: Vec<UserId> = keys.iter().map(|(user, _)| *user).collect();
        users.sort_unstable();
        users.dedup();
        let mut found = HashMap::new();
        for user in users {
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
