//! People of a page, looked up for all of it at once when the first of them is asked for.
//!
//! A loader that collects for a moment would do as well, as long as nothing takes longer than that moment; here it is one
//! statement, however long the page and however busy the machine.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Result};
use tokio::sync::OnceCell;

use super::{error::read, objects::contact::Contact};
use crate::{
    db::{
        contacts::{Contact as ContactRow, Identity},
        interactions::Interaction,
    },
    domain::{ids::ContactId, people::mailbox},
};

/// What was looked up once, or how that failed.
type Once<T> = OnceCell<Result<T>>;

/// Who took part in the interactions of a page.
#[derive(Clone)]
pub(super) struct Company(Arc<Everyone>);

struct Everyone {
    mailboxes: Vec<String>,
    contacts: Once<HashMap<String, Contact>>,
}

impl Company {
    /// Those of these interactions.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Interaction>) -> Self {
        let participants = rows.into_iter().filter_map(|row| row.participants.as_array()).flatten();
        let addresses = participants.filter(|one| one["self"] != true).filter_map(|one| one["address"].as_str());
        let mut mailboxes: Vec<String> = addresses.filter(|address| !address.is_empty()).map(mailbox).collect();
        mailboxes.sort_unstable();
        mailboxes.dedup();
        Self(Arc::new(Everyone { mailboxes, contacts: OnceCell::new() }))
    }

    /// Whom the person knows under an address of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn contact(&self, ctx: &Context<'_>, address: &str) -> Result<Option<Contact>> {
        let look = || async {
            let look = async |tx: &mut _| ContactRow::of_addresses(tx, &self.0.mailboxes).await;
            let (mailboxes, rows): (Vec<_>, Vec<_>) = read(ctx, look).await?.into_iter().unzip();
            Ok(mailboxes.into_iter().zip(Contact::of_page(rows)).collect())
        };
        let known: &Result<HashMap<String, Contact>> = self.0.contacts.get_or_init(look).await;
        known.as_ref().map(|known| known.get(&mailbox(address)).cloned()).map_err(Clone::clone)
    }
}

/// The contacts of a page.
#[derive(Clone)]
pub(super) struct Circle(Arc<Members>);

struct Members {
    ids: Vec<ContactId>,
    identities: Once<HashMap<ContactId, Vec<Identity>>>,
}

impl Circle {
    /// These contacts.
    pub(super) fn of(rows: &[ContactRow]) -> Self {
        let mut ids: Vec<ContactId> = rows.iter().map(|row| row.contact_id).collect();
        ids.sort_unstable();
        ids.dedup();
        Self(Arc::new(Members { ids, identities: OnceCell::new() }))
    }

    /// The addresses of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn identities(&self, ctx: &Context<'_>, of: ContactId) -> Result<Vec<Identity>> {
        let look = || async {
            let mut all: HashMap<ContactId, Vec<Identity>> = HashMap::new();
            for one in read(ctx, async |tx: &mut _| Identity::of_contacts(tx, &self.0.ids).await).await? {
                all.entry(one.contact_id).or_default().push(one);
            }
            Ok(all)
        };
        let known: &Result<HashMap<ContactId, Vec<Identity>>> = self.0.identities.get_or_init(look).await;
        known.as_ref().map(|known| known.get(&of).cloned().unwrap_or_default()).map_err(Clone::clone)
    }
}
