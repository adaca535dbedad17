//! What the rows of a page lead to, looked up for all of it at once when the first is asked for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_graphql::{Context, Result};

use super::{
    error::{app, read, refused, viewer},
    household::Household,
    objects::{account::Account, contact::Contact, interaction::Interaction, thread::Thread},
    once::{Once, once},
    talks::Talks,
    timeline,
};
use crate::{
    db::{
        contacts::{Contact as ContactRow, Identity},
        copies::{self, Link, Source},
        interactions::{Interaction as Row, Texts, Towards},
        threads::ThreadKey,
    },
    domain::{
        ids::{AccountId, ContactId, InteractionId},
        people::mailbox,
    },
    sync::{self, changes::Cursor},
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
    talks: Talks,
    texts: Once<HashMap<InteractionId, Texts>>,
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

fn thread_of(row: &Row) -> Option<ThreadKey> {
    Some((row.account_id, row.thread.clone()?))
}

impl Company {
    /// That of these interactions.
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Row> + Clone) -> Self {
        let rows = || rows.clone().into_iter();
        let participants = rows().filter_map(|row| row.participants.as_array()).flatten();
        let addresses = participants.filter(|one| one["self"] != true).filter_map(|one| one["address"].as_str());
        let meetings = rows().filter(|row| row.details["meeting"].is_object());
        let household = Household::default();
        let threads = rows().filter_map(thread_of).collect();
        Self(Arc::new(Page {
            ids: rows().map(|row| row.interaction_id).collect(),
            mailboxes: sorted(addresses.filter(|address| !address.is_empty()).map(mailbox)),
            about: sorted(rows().filter_map(|row| row.details["invitation"]["uid"].as_str()).map(str::to_owned)),
            meetings: sorted(meetings.filter_map(|row| row.universal_id.clone())),
            talks: Talks::of(threads, household.clone()),
            household,
            texts: Once::new(),
            contacts: Once::new(),
            sources: Once::new(),
            linked_meetings: Once::new(),
            linked_mails: Once::new(),
        }))
    }

    /// A text of one of them; empty when that has gone since the page was read.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn text(
        &self,
        ctx: &Context<'_>,
        of: InteractionId,
        which: impl Fn(&Texts) -> &str,
    ) -> Result<String> {
        let look = async {
            let found = read(ctx, async |tx: &mut _| Texts::with_ids(tx, &self.0.ids).await).await?;
            Ok(found.into_iter().map(|texts| (texts.interaction_id, texts)).collect())
        };
        let text = once(&self.0.texts, look).await?.get(&of).map(which);
        Ok(text.unwrap_or_default().to_owned())
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

    /// The conversation or series that one of them belongs to.
    pub(super) fn thread(&self, of: &Row) -> Option<Thread> {
        thread_of(of).map(|key| Thread::among(key, &self.0.talks))
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
    timelines: Mutex<HashMap<Asked, Arc<Once<Timelines>>>>,
}

/// How ends of timelines are asked for: towards where, how many, and whether with the place of their changes.
type Asked = (bool, i64, bool);

/// The ends of timelines, and where their changes begin.
type Timelines = HashMap<ContactId, (Vec<Interaction>, Option<Cursor>)>;

impl Circle {
    /// These contacts.
    pub(super) fn of(rows: &[ContactRow]) -> Self {
        let ids = sorted(rows.iter().map(|row| row.contact_id));
        Self(Arc::new(Members { ids, identities: Once::new(), timelines: Mutex::default() }))
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

    /// The newest or the oldest interactions in which one of them took part, and where changes of that begin.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn timeline(
        &self,
        ctx: &Context<'_>,
        of: ContactId,
        towards: Towards,
        limit: i64,
    ) -> Result<(Vec<Interaction>, Option<Cursor>)> {
        let with_cursor = timeline::wants_changes(ctx);
        let asked = (towards == Towards::Newer, limit, with_cursor);
        let cell = self.0.timelines.lock().unwrap_or_else(PoisonError::into_inner).entry(asked).or_default().clone();
        let look = async {
            let ends = sync::timeline::ends(app(ctx)?, viewer(ctx)?, &self.0.ids, towards, limit, with_cursor).await;
            let ends = ends.map_err(|error| refused(ctx, error))?;
            let company = Company::of(ends.values().flat_map(|(rows, _)| rows));
            let among = |rows: Vec<Row>| rows.into_iter().map(|row| Interaction::among(row, &company)).collect();
            Ok(ends.into_iter().map(|(contact, (rows, cursor))| (contact, (among(rows), cursor))).collect())
        };
        Ok(once(&cell, look).await?.get(&of).cloned().unwrap_or_default())
    }
}
