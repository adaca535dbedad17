//! The threads of a page, looked up for all of it at once when the first is asked for.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Result};

use super::{
    error::read,
    household::Household,
    objects::{account::Account, contact::Contact},
    once::{Once, once},
};
use crate::{
    db::{
        contacts::Contact as ContactRow,
        threads::{Face, Thread, ThreadKey},
    },
    domain::ids::AccountId,
};

/// Some threads, and who took part in them.
#[derive(Clone)]
pub(super) struct Talks(Arc<Page>);

struct Page {
    keys: Vec<ThreadKey>,
    household: Household,
    threads: Once<HashMap<ThreadKey, Thread>>,
    faces: Once<HashMap<ThreadKey, Vec<Face>>>,
    contacts: Once<HashMap<String, Contact>>,
}

impl Talks {
    /// Those of these names.
    pub(super) fn of(mut keys: Vec<ThreadKey>, household: Household) -> Self {
        keys.sort_unstable();
        keys.dedup();
        let (threads, faces, contacts) = (Once::new(), Once::new(), Once::new());
        Self(Arc::new(Page { keys, household, threads, faces, contacts }))
    }

    /// As [`Household::account`].
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn account(&self, ctx: &Context<'_>, id: AccountId) -> Result<Option<Account>> {
        self.0.household.account(ctx, id).await
    }

    /// What is known of one of them; `None` when it is no longer there.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn thread(&self, ctx: &Context<'_>, key: &ThreadKey) -> Result<Option<&Thread>> {
        let look = async {
            let rows = read(ctx, async |tx: &mut _| Thread::of(tx, &self.0.keys).await).await?;
            Ok(rows.into_iter().map(|row| (row.key(), row)).collect())
        };
        Ok(once(&self.0.threads, look).await?.get(key))
    }

    /// Who took part in one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn faces(&self, ctx: &Context<'_>, key: &ThreadKey) -> Result<&[Face]> {
        let faces = self.all_faces(ctx).await?;
        Ok(faces.get(key).map(Vec::as_slice).unwrap_or_default())
    }

    async fn all_faces(&self, ctx: &Context<'_>) -> Result<&HashMap<ThreadKey, Vec<Face>>> {
        let look = async {
            let mut all: HashMap<ThreadKey, Vec<Face>> = HashMap::new();
            for face in read(ctx, async |tx: &mut _| Face::of(tx, &self.0.keys).await).await? {
                all.entry(face.key()).or_default().push(face);
            }
            Ok(all)
        };
        once(&self.0.faces, look).await
    }

    /// Whom the person knows under an address of someone who took part.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn contact(&self, ctx: &Context<'_>, address: &str) -> Result<Option<Contact>> {
        let look = async {
            let faces = self.all_faces(ctx).await?;
            let mut addresses: Vec<String> = faces.values().flatten().map(|face| face.address.clone()).collect();
            addresses.sort_unstable();
            addresses.dedup();
            let found = read(ctx, async |tx: &mut _| ContactRow::of_addresses(tx, &addresses).await).await?;
            let (addresses, rows): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            Ok(addresses.into_iter().zip(Contact::of_page(rows)).collect::<HashMap<_, _>>())
        };
        Ok(once(&self.0.contacts, look).await?.get(address).cloned())
    }
}
