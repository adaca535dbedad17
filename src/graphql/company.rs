//! What the rows of a page lead to, looked up for all of it at once when the first is asked for.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Result};

use super::{
    error::read,
    household::Household,
    objects::{account::Account, contact::Contact, interaction::Interaction},
    once::{Once, once},
};
use crate::{
    db::{
        contacts::{Contact as ContactRow, Identity},
        copies::{self, Link, Source},
        interactions::Interaction as Row,
    },
    domain::{
        ids::{AccountId, ContactId, InteractionId},
        people::mailbox,
    },
};

/// Everything that the interactions of a page are in company with: people, accounts, copies, and each other.
#[derive(Clone)]
pub(super) struct Company(Arc<Page>);

struct Page {
    ids: Vec<InteractionId>,
    mailboxes: Vec<String>,
    /// The universal ids of the meetings that mails of the page are about.
    about: Vec<String>,
    /// Those of the meetings of the page.
    meetings: Vec<String>,
    household: Household,
    contacts: Once<HashMap<String, Contact>>,
    sources: Once<HashMap<InteractionId, Vec<Source>>>,
    linked_meetings: Once<Linked>,
    linked_mails: Once<Linked>,
}

/// What universal ids lead to.
type Linked = HashMap<String, Vec<Interaction>>;

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

impl Company {
    /// That of these interactions.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Row> + Clone) -> Self {
        let rows = || rows.clone().into_iter();
        let participants = rows().filter_map(|row| row.participants.as_array()).flatten();
        let addresses = participants.filter(|one| one["self"] != true).filter_map(|one| one["address"].as_str());
        let meetings = rows().filter(|row| row.details["meeting"].is_object());
        Self(Arc::new(Page {
            ids: rows().map(|row| row.interaction_id).collect(),
            mailboxes: sorted(addresses.filter(|address| !address.is_empty()).map(mailbox)),
            about: sorted(rows().filter_map(|row| row.details["invitation"]["uid"].as_str()).map(str::to_owned)),
            meetings: sorted(meetings.filter_map(|row| row.universal_id.clone())),
            household: Household::default(),
            contacts: Once::new(),
            sources: Once::new(),
            linked_meetings: Once::new(),
            linked_mails: Once::new(),
        }))
    }

    /// Whom the person knows under an address of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn contact(&self, ctx: &Context<'_>, address: &str) -> Result<Option<Contact>> {
        let look = async {
            let look = async |tx: &mut _| ContactRow::of_addresses(tx, &self.0.mailboxes).await;
            let (mailboxes, rows): (Vec<_>, Vec<_>) = read(ctx, look).await?.into_iter().unzip();
            Ok(mailboxes.into_iter().zip(Contact::of_page(rows)).collect::<HashMap<_, _>>())
        };
        Ok(once(&self.0.contacts, look).await?.get(&mailbox(address)).cloned())
    }

    /// The account that one of them came through.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn account(&self, ctx: &Context<'_>, id: AccountId) -> Result<Option<Account>> {
        self.0.household.account(ctx, id).await
    }

    /// The ways by which one of them has come in.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn sources(&self, ctx: &Context<'_>, of: InteractionId) -> Result<Vec<Source>> {
        let look = async {
            let mut all: HashMap<InteractionId, Vec<Source>> = HashMap::new();
            for source in read(ctx, async |tx: &mut _| copies::sources(tx, &self.0.ids).await).await? {
                all.entry(source.of).or_default().push(source);
            }
            Ok(all)
        };
        Ok(once(&self.0.sources, look).await?.get(&of).cloned().unwrap_or_default())
    }

    /// What the universal id of a meeting leads to, which one of them is, or is about.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn linked(&self, ctx: &Context<'_>, link: Link, name: &str) -> Result<Vec<Interaction>> {
        let (cell, names) = match link {
            Link::Meeting => (&self.0.linked_meetings, &self.0.about),
            Link::MailsAbout => (&self.0.linked_mails, &self.0.meetings),
        };
        let look = async {
            let found = read(ctx, async |tx: &mut _| copies::linked(tx, link, names).await).await?;
            let (names, rows): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            let mut all = Linked::new();
            for (name, row) in names.into_iter().zip(Interaction::of_page(rows)) {
                all.entry(name).or_default().push(row);
            }
            Ok(all)
        };
        Ok(once(cell, look).await?.get(name).cloned().unwrap_or_default())
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
        let ids = sorted(rows.iter().map(|row| row.contact_id));
        Self(Arc::new(Members { ids, identities: Once::new() }))
    }

    /// The addresses of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn identities(&self, ctx: &Context<'_>, of: ContactId) -> Result<Vec<Identity>> {
        let look = async {
            let mut all: HashMap<ContactId, Vec<Identity>> = HashMap::new();
            for one in read(ctx, async |tx: &mut _| Identity::of_contacts(tx, &self.0.ids).await).await? {
                all.entry(one.contact_id).or_default().push(one);
            }
            Ok(all)
        };
        Ok(once(&self.0.identities, look).await?.get(&of).cloned().unwrap_or_default())
    }
}
