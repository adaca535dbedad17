//! Queries.

use async_graphql::{Context, ID, InputObject, Interface, Object, Result, connection::Connection};
use uuid::Uuid;

use super::{
    code::Code,
    company::Company,
    error::{app, caller, read, refused, viewer},
    id::{self, Kind},
    loaders::AccountLoader,
    objects::{
        account::Account,
        audit::AuditEntry,
        batch::{Batch, Job},
        contact::Contact,
        interaction::Interaction,
        item::Item,
        preferences::Preferences,
        preview::Preview,
        words::{ItemOutcome, JobState},
    },
    page::{self, Window},
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
        items::{self, LedgerFilter},
        jobs::{Job as JobRow, JobFilter as JobRowFilter},
        previews::Preview as PreviewRow,
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
#[derive(Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "The object's id."))]
pub(super) enum Node {
    Viewer(Viewer),
    Account(Account),
    Preview(Preview),
    Batch(Batch),
    Job(Job),
    Interaction(Interaction),
    Contact(Contact),
}

/// The person who asks.
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

    /// The accounts they have linked, oldest first.
    #[graphql(complexity = "5 * child_complexity")]
    async fn accounts(&self, ctx: &Context<'_>) -> Result<Vec<Account>> {
        Ok(read(ctx, AccountRow::all).await?.into_iter().map(Account).collect())
    }

    /// What their next preview starts from.
    async fn preferences(&self, ctx: &Context<'_>) -> Result<Preferences> {
        let loaded = sync::preferences::load(app(ctx)?, &caller(ctx)?).await;
        Ok(loaded.map_err(|error| refused(ctx, error))?.into())
    }
}

async fn find(tx: &mut Tx, kind: Kind, uuid: Uuid) -> db::Result<Option<Found>> {
    Ok(match kind {
        Kind::Preview => PreviewRow::find(tx, PreviewId(uuid)).await?.map(Found::Preview),
        Kind::Batch => BatchRow::find(tx, BatchId(uuid)).await?.map(|row| Found::Batch(Box::new(row))),
        Kind::Job => JobRow::find(tx, JobId(uuid)).await?.map(Found::Job),
        Kind::Interaction => {
            InteractionRow::find(tx, InteractionId(uuid)).await?.map(|row| Found::Interaction(Box::new(row)))
        }
        Kind::Contact => ContactRow::of_ids(tx, &[ContactId(uuid)]).await?.pop().map(Found::Contact),
        _ => None,
    })
}

enum Found {
    Contact(ContactRow),
    Preview(PreviewRow),
    Job(JobRow),
    Batch(Box<BatchRow>),
    Interaction(Box<InteractionRow>),
}

async fn node(ctx: &Context<'_>, id: &ID) -> Result<Option<Node>> {
    let user = viewer(ctx)?;
    let Some((kind, uuid)) = id::decode(id) else { return Ok(None) };
    match kind {
        Kind::Viewer => return Ok((uuid == user.0).then_some(Node::Viewer(Viewer { user }))),
        Kind::Account => return Ok(AccountLoader::one(ctx, user, AccountId(uuid)).await?.map(Node::Account)),
        _ => {}
    }
    Ok(match read(ctx, async |tx| find(tx, kind, uuid).await).await? {
        None => None,
        Some(Found::Batch(row)) => Some(Node::Batch(Batch(*row))),
        Some(Found::Job(row)) => Some(Node::Job(Job(row))),
        Some(Found::Contact(row)) => Some(Node::Contact(Contact::alone(row))),
        Some(Found::Interaction(row)) => {
            let company = Company::of(std::slice::from_ref(&*row));
            Some(Node::Interaction(Interaction(*row, company)))
        }
        Some(Found::Preview(row)) => {
            let made = sync::preview::open(app(ctx)?, &caller(ctx)?, row).await.map_err(|error| refused(ctx, error))?;
            Some(Node::Preview(Preview(made)))
        }
    })
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
        node(ctx, &id).await
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
        let mut found = Vec::with_capacity(ids.len());
        for id in &ids {
            found.push(node(ctx, id).await?);
        }
        Ok(found)
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
        #[graphql(desc = "Rows from the first end, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the last end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which rows; all when left out.")] filter: Option<TimelineFilter>,
        #[graphql(desc = "What to look for, at most 256 characters and 16 words or phrases.")] search: Option<String>,
        #[graphql(desc = "What comes first. A cursor belongs to its order.", default)] order: TimelineOrder,
    ) -> Result<TimelineConnection> {
        let window = Window::new(first, after, last, before)?;
        timeline::asked(ctx, &window, filter.unwrap_or_default(), search.as_deref(), order).await
    }

    /// Batches, newest first.
    #[graphql(complexity = "first.unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn batches(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, Batch>> {
        let window = Window::new(first, after, None, None)?;
        let place = window.after.as_deref().map(page::place).transpose()?.map(|(at, id)| (at, BatchId(id)));
        let rows = read(ctx, async |tx| BatchRow::page(tx, place, window.fetch()).await).await?;
        Ok(page::connection(&window, rows, |row| page::cursor((row.created_at, row.batch_id.0)), Batch))
    }

    /// Background work, newest first. Jobs that were given up stay here with their error; `retryJob` tries one again.
    #[graphql(complexity = "first.unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn jobs(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Which jobs; all when left out.")] filter: Option<JobFilter>,
    ) -> Result<Connection<String, Job>> {
        let window = Window::new(first, after, None, None)?;
        let filter = filter.unwrap_or_default();
        let key = |row: &JobRow| page::cursor((row.created_at, row.job_id.0));
        let batch = filter.batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        if batch == Some(None) {
            return Ok(page::connection(&window, Vec::new(), key, Job));
        }
        let place = window.after.as_deref().map(page::place).transpose()?.map(|(_, id)| JobId(id));
        let states = filter.state.unwrap_or_default().into_iter().map(Into::into).collect();
        let filter = JobRowFilter { batch: batch.flatten(), states };
        let rows = read(ctx, async |tx| JobRow::page(tx, &filter, place, window.fetch()).await).await?;
        Ok(page::connection(&window, rows, key, Job))
    }

    /// What became of the ids the provider has named: why a mail is here, or is not.
    #[graphql(complexity = "first.unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    #[expect(clippy::too_many_arguments, reason = "each is an argument of the query")]
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Only items this batch has touched, with their outcome in it.")] batch_id: Option<ID>,
        #[graphql(desc = "Only items with one of these outcomes.")] outcome: Option<Vec<ItemOutcome>>,
        #[graphql(desc = "Only the item with this id at the provider.")] source_id: Option<String>,
        #[graphql(
            desc = "Only items that came under this name: a mail's Message-ID, with or without its angle brackets, or a meeting's \
                    iCalUID, which all events of a series share. It has at most 998 characters. Also finds what was kept out, of \
                    which the name itself is not stored; not what has never arrived, such as an item that could not be fetched."
        )]
        message_id: Option<String>,
    ) -> Result<Connection<String, Item>> {
        let window = Window::new(first, after, None, None)?;
        let key = |row: &items::LedgerRow| format!("{}:{}", row.stream_id.0.simple(), row.source_id);
        let batch = batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        if batch == Some(None) || source_id.as_ref().is_some_and(|id| id.contains('\0')) {
            return Ok(page::connection(&window, Vec::new(), key, Item));
        }
        let universal_id = message_id.as_deref().map(universal_id).transpose()?;
        let place = window.after.as_deref().map(ledger_place).transpose()?;
        let words = outcome.unwrap_or_default().into_iter().map(|outcome| ItemWord::from(outcome).as_str());
        let filter = LedgerFilter {
            batch: batch.flatten(),
            outcomes: words.collect(),
            source_id: source_id.as_deref(),
            ..LedgerFilter::default()
        };
        let (app, user) = (app(ctx)?, viewer(ctx)?);
        let rows = sync::ledger::page(app, user, filter, universal_id.as_ref(), place, window.fetch()).await;
        let rows = rows.map_err(|error| refused(ctx, error))?;
        Ok(page::connection(&window, rows, key, Item))
    }

    /// The audit, newest first.
    #[graphql(complexity = "first.unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn audit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, AuditEntry>> {
        let window = Window::new(first, after, None, None)?;
        let place = window.after.as_deref().map(page::place).transpose()?;
        let rows = read(ctx, async |tx| AuditRow::page(tx, place, window.fetch()).await).await?;
        Ok(page::connection(&window, rows, |row| page::cursor((row.at, row.audit_id)), AuditEntry))
    }
}

/// A Message-ID or iCalUID as someone has written it down.
fn universal_id(text: &str) -> Result<UniversalId> {
    let fits = text.chars().count() <= UniversalId::MAX_CHARS + "<>".len();
    let id = UniversalId::new(text).filter(|_| fits);
    id.ok_or_else(|| Code::BadUserInput.field_error("A messageId has 1 to 998 characters."))
}

/// The ledger's pages run by stream and provider id.
fn ledger_place(cursor: &str) -> Result<(StreamId, &str)> {
    let place = || {
        let (stream, source) = cursor.split_once(':')?;
        let is_plain = source.len() <= 2_000 && !source.contains('\0');
        Some((StreamId(Uuid::try_parse(stream).ok()?), source)).filter(|_| is_plain)
    };
    place().ok_or_else(|| Code::BadUserInput.field_error("This cursor does not come from this list."))
}
