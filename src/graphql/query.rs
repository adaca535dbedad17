//! Queries.

use std::collections::HashMap;

use async_graphql::{Context, ID, InputObject, Interface, Object, Result};
use uuid::Uuid;

use super::{
    code::Code,
    error::{app, caller, read, refused, viewer},
    household::{Household, Runs},
    id::{self, Kind},
    objects::{
        account::{Account, Stream},
        audit::{AuditEntry, AuditFilter},
        batch::{Batch, Job},
        contact::Contact,
        interaction::Interaction,
        item::Item,
        preferences::Preferences,
        preview::Preview,
        thread::Thread,
        words::{ItemOutcome, JobState},
    },
    page::{self, Connection, Window},
    talks::Talks,
    timeline::{self, TimelineConnection, TimelineFilter, TimelineOrder},
};
use crate::{
    db::{
        self, Tx,
        accounts::Account as AccountRow,
        audit::AuditEntry as AuditRow,
        batches::Batch as BatchRow,
        contacts::Contact as ContactRow,
        interactions::Interaction as InteractionRow,
        items::{self, LedgerFilter, LedgerPlace},
        jobs::{Job as JobRow, JobFilter as JobRowFilter},
        previews::Preview as PreviewRow,
        streams::Stream as StreamRow,
    },
    domain::{
        ids::{AccountId, BatchId, ContactId, InteractionId, JobId, PreviewId, StreamId, UserId},
        item::{ItemOutcome as ItemWord, UniversalId},
    },
    sync,
};

/// What is asked of accounts, runs and the timeline.
#[derive(Default)]
pub(super) struct Query;

/// Anything with an id that `node` can find again.
#[derive(Clone, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The object's id."))]
pub(super) enum Node {
    Viewer(Viewer),
    Account(Account),
    Preview(Preview),
    Batch(Batch),
    Job(Job),
    Interaction(Interaction),
    Contact(Contact),
    Stream(Stream),
    AuditEntry(AuditEntry),
    Thread(Thread),
}

/// The person who asks.
#[derive(Clone)]
pub(super) struct Viewer {
    user: UserId,
}

/// The person who asks.
#[Object]
impl Viewer {
    /// The person's id here: a function of their token's issuer and subject.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Viewer, self.user.0)
    }

    /// The accounts they have linked, oldest first, also those that are disconnected.
    #[graphql(complexity = "5 * child_complexity")]
    async fn accounts(&self, ctx: &Context<'_>) -> Result<Vec<Account>> {
        let household = Household::default();
        Ok(read(ctx, AccountRow::all).await?.into_iter().map(|row| Account(row, household.clone())).collect())
    }

    /// What their next preview starts from, and who is a contact of theirs.
    async fn preferences(&self, ctx: &Context<'_>) -> Result<Preferences> {
        let loaded = sync::preferences::load(app(ctx)?, &caller(ctx)?).await;
        Ok(loaded.map_err(|error| refused(ctx, error))?.into())
    }
}

/// The rows of some ids, of every kind that `node` finds in a table of its own.
#[derive(Default)]
struct Rows {
    batches: Vec<BatchRow>,
    jobs: Vec<JobRow>,
    previews: Vec<PreviewRow>,
    interactions: Vec<InteractionRow>,
    contacts: Vec<ContactRow>,
    streams: Vec<StreamRow>,
    audit: Vec<AuditRow>,
}

impl Rows {
    /// One statement for each kind that is named.
    async fn of(tx: &mut Tx, named: &[Option<(Kind, Uuid)>]) -> db::Result<Self> {
        let of = |kind| named.iter().flatten().filter(move |(of, _)| *of == kind).map(|(_, uuid)| *uuid);
        let mut rows = Self::default();
        if of(Kind::Batch).next().is_some() {
            rows.batches = BatchRow::with_ids(tx, &of(Kind::Batch).map(BatchId).collect::<Vec<_>>()).await?;
        }
        if of(Kind::Job).next().is_some() {
            rows.jobs = JobRow::with_ids(tx, &of(Kind::Job).map(JobId).collect::<Vec<_>>()).await?;
        }
        if of(Kind::Preview).next().is_some() {
            rows.previews = PreviewRow::with_ids(tx, &of(Kind::Preview).map(PreviewId).collect::<Vec<_>>()).await?;
        }
        if of(Kind::Interaction).next().is_some() {
            let ids: Vec<_> = of(Kind::Interaction).map(InteractionId).collect();
            rows.interactions = InteractionRow::with_ids(tx, &ids).await?;
        }
        if of(Kind::Contact).next().is_some() {
            rows.contacts = ContactRow::of_ids(tx, &of(Kind::Contact).map(ContactId).collect::<Vec<_>>()).await?;
        }
        if of(Kind::Stream).next().is_some() {
            let all = StreamRow::all(tx).await?;
            rows.streams = all.into_iter().filter(|row| of(Kind::Stream).any(|id| id == row.stream_id.0)).collect();
        }
        if of(Kind::AuditEntry).next().is_some() {
            rows.audit = AuditRow::with_ids(tx, &of(Kind::AuditEntry).collect::<Vec<_>>()).await?;
        }
        Ok(rows)
    }

    /// The objects, which look up together what they lead to.
    async fn objects(self, ctx: &Context<'_>) -> Result<HashMap<(Kind, Uuid), Node>> {
        let mut found = HashMap::new();
        let runs = Runs::of(self.batches.iter().map(|row| row.batch_id));
        for row in self.batches {
            found.insert((Kind::Batch, row.batch_id.0), Node::Batch(Batch::among(row, &runs)));
        }
        found.extend(self.jobs.into_iter().map(|row| ((Kind::Job, row.job_id.0), Node::Job(Job(row)))));
        for row in self.previews {
            let id = row.preview_id.0;
            let made = sync::preview::open(app(ctx)?, &caller(ctx)?, row).await.map_err(|error| refused(ctx, error))?;
            found.insert((Kind::Preview, id), Node::Preview(Preview(made)));
        }
        let ids: Vec<Uuid> = self.interactions.iter().map(|row| row.interaction_id.0).collect();
        for (id, one) in ids.into_iter().zip(Interaction::of_page(self.interactions)) {
            found.insert((Kind::Interaction, id), Node::Interaction(one));
        }
        let ids: Vec<Uuid> = self.contacts.iter().map(|row| row.contact_id.0).collect();
        for (id, one) in ids.into_iter().zip(Contact::of_page(self.contacts)) {
            found.insert((Kind::Contact, id), Node::Contact(one));
        }
        let streams = self.streams.into_iter().map(|row| ((Kind::Stream, row.stream_id.0), Node::Stream(Stream(row))));
        found.extend(streams);
        let entry = |row: AuditRow| ((Kind::AuditEntry, row.audit_id), Node::AuditEntry(AuditEntry(row)));
        found.extend(self.audit.into_iter().map(entry));
        Ok(found)
    }
}

/// The objects of these ids, in their order.
async fn nodes(ctx: &Context<'_>, ids: &[ID]) -> Result<Vec<Option<Node>>> {
    let user = viewer(ctx)?;
    let named: Vec<Option<(Kind, Uuid)>> = ids.iter().map(id::decode).collect();
    let rows = read(ctx, async |tx| Rows::of(tx, &named).await).await?;
    let (found, household) = (rows.objects(ctx).await?, Household::default());
    let talks = Talks::of(ids.iter().filter_map(id::decode_thread).collect(), household.clone());
    let mut all = Vec::with_capacity(named.len());
    for (id, one) in ids.iter().zip(named) {
        all.push(match one {
            None => match id::decode_thread(id) {
                Some(key) if talks.thread(ctx, &key).await?.is_some() => Some(Node::Thread(Thread::among(key, &talks))),
                _ => None,
            },
            Some((Kind::Viewer, uuid)) => (uuid == user.0).then_some(Node::Viewer(Viewer { user })),
            Some((Kind::Account, uuid)) => household.account(ctx, AccountId(uuid)).await?.map(Node::Account),
            Some(key) => found.get(&key).cloned(),
        });
    }
    Ok(all)
}

/// Which jobs to show. Every field that is given must hold.
#[derive(InputObject, Default)]
pub(super) struct JobFilter {
    /// Those of this batch.
    batch_id: Option<ID>,
    /// Those in one of these states, such as `DEAD`.
    state: Option<Vec<JobState>>,
}

#[Object(name = "SyncQuery")]
impl Query {
    /// The person who asks.
    async fn viewer(&self, ctx: &Context<'_>) -> Result<Viewer> {
        Ok(Viewer { user: viewer(ctx)? })
    }

    /// The object with this id; `null` when there is none.
    async fn node(&self, ctx: &Context<'_>, #[graphql(desc = "The id of an object.")] id: ID) -> Result<Option<Node>> {
        Ok(nodes(ctx, &[id]).await?.pop().flatten())
    }

    /// The objects with these ids, in their order; `null` where there is none.
    #[graphql(complexity = "ids.len() * child_complexity")]
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most 100 ids.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() > 100 {
            return Err(Code::BadUserInput.field_error("nodes takes at most 100 ids."));
        }
        nodes(ctx, &ids).await
    }

    /// Mail and meetings, newest first, or the best first. Rows that arrive while you page do not shift the pages.
    ///
    /// `search` finds what has all its words, in subjects, in the authors' own text, and in the names and addresses of those who took
    /// part, whatever form of a word is written and with or without accents. Words in quotation marks are found side by side; what has a
    /// minus before it must not be there.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the query")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which rows; all when left out.")] filter: Option<TimelineFilter>,
        #[graphql(desc = "What to look for, at most 256 characters and 16 words or phrases.")] search: Option<String>,
        #[graphql(desc = "What comes first. A cursor belongs to its order.", default)] order: TimelineOrder,
    ) -> Result<TimelineConnection> {
        let window = Window::new(first, after, last, before)?;
        timeline::asked(ctx, &window, filter.unwrap_or_default(), search.as_deref(), order).await
    }

    /// Batches, newest first.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Batch>> {
        let window = Window::new(first, after, last, before)?;
        let (places, towards) = window.places()?;
        let rows = read(ctx, async |tx| BatchRow::page(tx, places, towards, window.fetch()).await).await?;
        let runs = Runs::of(rows.iter().map(|row| row.batch_id));
        let key = |row: &BatchRow| page::cursor((row.created_at, row.batch_id.0));
        Ok(page::connection(&window, rows, key, |row| Batch::among(row, &runs)))
    }

    /// Background work, newest first. Jobs that were given up stay here with their error; `retryJob` tries one again.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which jobs; all when left out.")] filter: Option<JobFilter>,
    ) -> Result<Connection<Job>> {
        let window = Window::new(first, after, last, before)?;
        let filter = filter.unwrap_or_default();
        let key = |row: &JobRow| page::cursor((row.created_at, row.job_id.0));
        let batch = filter.batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        if batch == Some(None) {
            return Ok(page::connection(&window, Vec::new(), key, Job));
        }
        let (places, towards) = window.places()?;
        let states = filter.state.unwrap_or_default().into_iter().map(Into::into).collect();
        let filter = JobRowFilter { batch: batch.flatten(), states };
        let rows = read(ctx, async |tx| JobRow::page(tx, &filter, places, towards, window.fetch()).await).await?;
        Ok(page::connection(&window, rows, key, Job))
    }

    /// What became of the ids the provider has named: why a mail is here, or is not.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the query")]
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only items this batch has touched, with their outcome in it.")] batch_id: Option<ID>,
        #[graphql(desc = "Only items with one of these outcomes.")] outcome: Option<Vec<ItemOutcome>>,
        #[graphql(desc = "Only the item with this id at the provider.")] source_id: Option<String>,
        #[graphql(
            desc = "Only items that came under this name: a mail's Message-ID, with or without its angle brackets, or a meeting's \
                    iCalUID, which all events of a series share. It has at most 998 characters. Also finds what was kept out, of \
                    which the name itself is not stored; not what has never arrived, such as an item that could not be fetched."
        )]
        message_id: Option<String>,
    ) -> Result<Connection<Item>> {
        let window = Window::new(first, after, last, before)?;
        let key = |row: &items::LedgerRow| format!("{}:{}", row.stream_id.0.simple(), row.source_id);
        let batch = batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        if batch == Some(None) || source_id.as_ref().is_some_and(|id| id.contains('\0')) {
            return Ok(page::connection(&window, Vec::new(), key, Item));
        }
        let universal_id = message_id.as_deref().map(universal_id).transpose()?;
        let after = window.after.as_deref().map(ledger_place).transpose()?;
        let before = window.before.as_deref().map(ledger_place).transpose()?;
        let words = outcome.unwrap_or_default().into_iter().map(|outcome| ItemWord::from(outcome).as_str());
        let filter = LedgerFilter {
            batch: batch.flatten(),
            outcomes: words.collect(),
            source_id: source_id.as_deref(),
            ..LedgerFilter::default()
        };
        let (app, user) = (app(ctx)?, viewer(ctx)?);
        let (places, backward) = ((after, before), window.backward);
        let rows = sync::ledger::page(app, user, filter, universal_id.as_ref(), places, backward, window.fetch()).await;
        let rows = rows.map_err(|error| refused(ctx, error))?;
        Ok(page::connection(&window, rows, key, Item))
    }

    /// The audit, newest first.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which entries; all when left out.")] filter: Option<AuditFilter>,
    ) -> Result<Connection<AuditEntry>> {
        let window = Window::new(first, after, last, before)?;
        let key = |row: &AuditRow| page::cursor((row.at, row.audit_id));
        let Some(filter) = filter.unwrap_or_default().rows() else {
            return Ok(page::connection(&window, Vec::new(), key, AuditEntry));
        };
        let (places, towards) = window.places()?;
        let rows = read(ctx, async |tx| AuditRow::page(tx, &filter, places, towards, window.fetch()).await).await?;
        Ok(page::connection(&window, rows, key, AuditEntry))
    }
}

/// A Message-ID or iCalUID as someone has written it down.
fn universal_id(text: &str) -> Result<UniversalId> {
    let fits = text.chars().count() <= UniversalId::MAX_CHARS + "<>".len();
    let id = UniversalId::new(text).filter(|_| fits);
    id.ok_or_else(|| Code::BadUserInput.field_error("A messageId has 1 to 998 characters."))
}

/// The ledger's pages run by stream and provider id.
fn ledger_place(cursor: &str) -> Result<LedgerPlace> {
    let place = || {
        let (stream, source) = cursor.split_once(':')?;
        let is_plain = source.len() <= 2_000 && !source.contains('\0');
        Some((StreamId(Uuid::try_parse(stream).ok()?), source.to_owned())).filter(|_| is_plain)
    };
    place().ok_or_else(|| Code::BadUserInput.field_error("This cursor does not come from this list."))
}
