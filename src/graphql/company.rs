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
        stored::Stored,
        threads::ThreadKey,
    },
    domain::{
        ids::{AccountId, ContactId, InteractionId},
        normalize::{Details, Participant},
        people::mailbox,
    },
    sync::{self, changes::Cursor},
};

/// Everything that the interactions of a page are in company with: people, accounts, copies, and each other.
#[derive(Clone)]
pub(super) struct Company(Arc<Page>);

struct Page {
    rows: Vec<Facts>,
    household: Household,
    talks: Talks,
    texts: Once<HashMap<InteractionId, Texts>>,
    contacts: Once<HashMap<String, Contact>>,
    sources: Once<HashMap<InteractionId, Vec<Source>>>,
    linked_meetings: Once<Linked>,
    linked_mails: Once<Linked>,
}

/// What of an interaction leads to others. It is read when others are asked for.
struct Facts {
    id: InteractionId,
    universal_id: Option<String>,
    participants: Stored<Vec<Participant>>,
    details: Stored<Details>,
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
    pub(super) fn of<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let (mut facts, mut threads) = (Vec::new(), Vec::new());
        for row in rows {
            threads.extend(thread_of(row));
            facts.push(Facts {
                id: row.interaction_id,
                universal_id: row.universal_id.clone(),
                participants: row.participants.clone(),
                details: row.details.clone(),
            });
        }
        let household = Household::default();
        Self(Arc::new(Page {
            rows: facts,
            talks: Talks::of(threads, household.clone()),
            household,
            texts: Once::new(),
            contacts: Once::new(),
            sources: Once::new(),
            linked_meetings: Once::new(),
            linked_mails: Once::new(),
        }))
    }

    fn ids(&self) -> Vec<InteractionId> {
        self.0.rows.iter().map(|row| row.id).collect()
    }

    fn mailboxes(&self) -> Vec<String> {
        let participants = self.0.rows.iter().flat_map(|row| row.participants.read());
        let others = participants.filter(|one| !one.is_self && !one.address.is_empty());
        sorted(others.map(|one| mailbox(&one.address)))
    }

    /// The universal ids of the meetings that mails of the page are about.
    fn about(&self) -> Vec<String> {
        sorted(self.0.rows.iter().filter_map(|row| Some(row.details.read().invitation?.uid)))
    }

    /// Those of the meetings of the page.
    fn meetings(&self) -> Vec<String> {
        let meetings = self.0.rows.iter().filter(|row| row.details.read().meeting.is_some());
        sorted(meetings.filter_map(|row| row.universal_id.clone()))
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
            let found = read(ctx, async |tx: &mut _| Texts::with_ids(tx, &self.ids()).await).await?;
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
            let look = async |tx: &mut _| ContactRow::of_addresses(tx, &self.mailboxes()).await;
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
            for source in read(ctx, async |tx: &mut _| copies::sources(tx, &self.ids()).await).await? {
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
        let cell = match link {
            Link::Meeting => &self.0.linked_meetings,
            Link::MailsAbout => &self.0.linked_mails,
        };
        let look = async {
            let names = match link {
                Link::Meeting => self.about(),
                Link::MailsAbout => self.meetings(),
            };
            let found = read(ctx, async |tx: &mut _| copies::linked(tx, link, &names).await).await?;
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
