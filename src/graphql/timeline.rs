//! The timeline: its filter, its pages, and its search.

use async_graphql::{Context, Enum, ID, InputObject, Result, SimpleObject};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{
    code::Code,
    company::Company,
    error::{app, read, refused, viewer},
    id::{self, Kind},
    objects::{
        interaction::Interaction,
        words::{Direction, InteractionKind, MailCategory, Service},
    },
    page::{self, Connection, Edge, Window},
};
use crate::{
    db::{
        accounts::Account,
        batches::Batch,
        changes::Place,
        contacts::Contact,
        interactions::{TimelineFilter as RowFilter, Towards},
        search::Ranked,
        streams::Stream,
        threads::Thread,
    },
    domain::{
        ids::{AccountId, BatchId, ContactId, InteractionId, StreamId},
        people::mailbox,
        search::{self, Search},
    },
    sync::{
        self,
        changes::Cursor,
        search::{Hit, Order, Request},
    },
};

/// One page of the timeline.
pub(super) type TimelineConnection = Connection<Interaction, TimelineFields, TimelineEdge>;

/// What a page of the timeline says beside its rows.
#[derive(SimpleObject)]
pub(super) struct TimelineFields {
    /// Where changes begin that this page does not show: give it to `timelineChanges` as `after`, with the same filter. `null` for a
    /// search, whose changes nobody tells of, and for a filter that names something that does not exist.
    changes_cursor: Option<String>,
}

/// What a search has to do with an interaction.
#[derive(SimpleObject)]
pub(super) struct TimelineEdge {
    /// Where the search is found in it; `null` without a search.
    highlights: Option<SearchHighlights>,
}

/// Where a search is found in an interaction. What is found in names and addresses is marked in neither.
#[derive(SimpleObject)]
pub(super) struct SearchHighlights {
    /// The subject, in pieces.
    subject: Vec<TextPiece>,
    /// The best one or two parts of `replyText`, in pieces, with an ellipsis between them; its beginning when nothing in it matches.
    text: Vec<TextPiece>,
}

/// A piece of a text. Plain text: escape it before you put it into HTML.
#[derive(SimpleObject)]
pub(super) struct TextPiece {
    /// The text. Put together, the pieces of a text are the text.
    text: String,
    /// Whether it is what was searched for.
    is_match: bool,
}

impl From<search::Piece> for TextPiece {
    fn from(search::Piece { text, is_match }: search::Piece) -> Self {
        Self { text, is_match }
    }
}

impl From<sync::search::Highlights> for SearchHighlights {
    fn from(found: sync::search::Highlights) -> Self {
        let pieces = |pieces: Vec<search::Piece>| pieces.into_iter().map(Into::into).collect();
        Self { subject: pieces(found.subject), text: pieces(found.text) }
    }
}

/// What comes first on the timeline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Enum)]
pub(super) enum TimelineOrder {
    /// The newest.
    #[default]
    Newest,
    /// What matches the search best, so `search` must be given. Only the newest matches are ranked, at most 1,000; where a search is
    /// found in many of the newest interactions, older ones are left out.
    Relevance,
}

/// Which interactions to show. Every field that is given must hold.
#[derive(InputObject, Default)]
pub(super) struct TimelineFilter {
    /// Mail or meetings.
    kind: Option<InteractionKind>,
    /// The service they come from.
    service: Option<Service>,
    /// The account they came through.
    account_id: Option<ID>,
    /// The mailbox or calendar they came through; `Account.streams` has the ids.
    stream_id: Option<ID>,
    /// Which way they went.
    direction: Option<Direction>,
    /// Mail of one of these kinds; meetings have none.
    category: Option<Vec<MailCategory>>,
    /// The batch that brought the version shown.
    batch_id: Option<ID>,
    /// The conversation or series, by the provider's id, in whichever account.
    #[graphql(deprecation = "Use `threadId`, which means one account's.")]
    thread: Option<String>,
    /// The conversation or series.
    thread_id: Option<ID>,
    /// The address of someone who took part, in any spelling that reaches the same mailbox.
    participant: Option<String>,
    /// A contact who took part, under whichever of their addresses.
    contact_id: Option<ID>,
    /// The id of a label on a mail.
    label: Option<String>,
    /// Whether files came with them.
    has_attachment: Option<bool>,
    /// Only what occurred at or after this moment.
    from: Option<DateTime<Utc>>,
    /// Only what occurred before this moment.
    to: Option<DateTime<Utc>>,
}

impl TimelineFilter {
    /// `None` when an id names nothing of its kind: then nothing can match.
    fn rows(self) -> Option<RowFilter> {
        let account = self.account_id.map(|id| id::decode_as(Kind::Account, &id).map(AccountId));
        let batch = self.batch_id.map(|id| id::decode_as(Kind::Batch, &id).map(BatchId));
        let contact = self.contact_id.map(|id| id::decode_as(Kind::Contact, &id).map(ContactId));
        // A thread is one of an account, as a filter for both.
        let thread = self.thread_id.as_ref().map(id::decode_thread);
        let (of, thread) = match thread {
            None => (None, self.thread),
            Some(None) => return None,
            Some(Some((_, key))) if self.thread.is_some_and(|other| other != key) => return None,
            Some(Some((of, key))) => (Some(of), Some(key)),
        };
        if account.flatten().zip(of).is_some_and(|(account, of)| account != of) {
            return None;
        }
        let stream = self.stream_id.map(|id| id::decode_as(Kind::Stream, &id).map(StreamId));
        if account == Some(None) || batch == Some(None) || contact == Some(None) || stream == Some(None) {
            return None;
        }
        Some(RowFilter {
            kind: self.kind.map(Into::into),
            service: self.service.map(Into::into),
            account: of.or(account.flatten()),
            stream: stream.flatten(),
            direction: self.direction.map(Into::into),
            categories: self.category.unwrap_or_default().into_iter().map(Into::into).collect(),
            batch: batch.flatten(),
            thread,
            participant: self.participant.map(|address| mailbox(&address)),
            contact: contact.flatten(),
            label: self.label,
            has_attachment: self.has_attachment,
            from: self.from,
            to: self.to,
        })
    }

    /// Text that PostgreSQL cannot hold is refused before it gets there.
    fn check(&self) -> Result<()> {
        for text in [&self.thread, &self.participant, &self.label].into_iter().flatten() {
            if text.len() > 1_000 || text.contains('\0') {
                return Err(Code::BadUserInput.field_error("A filter's text has at most 1,000 bytes and no NUL."));
            }
        }
        Ok(())
    }
}

/// The filter for something that lasts: what it names must exist.
///
/// # Errors
/// When it does not, or the failure is ours.
pub(super) async fn existing(ctx: &Context<'_>, filter: TimelineFilter) -> Result<RowFilter> {
    filter.check()?;
    let missing = || Code::NotFound.field_error("The filter names something that does not exist.");
    let names_thread = filter.thread_id.is_some();
    let filter = filter.rows().ok_or_else(missing)?;
    if is_there(ctx, &filter, names_thread).await? { Ok(filter) } else { Err(missing()) }
}

/// Whether everything exists that a filter names.
async fn is_there(ctx: &Context<'_>, filter: &RowFilter, names_thread: bool) -> Result<bool> {
    let look = async |tx: &mut _| {
        let mut is_there = true;
        if let Some(id) = filter.account {
            is_there &= Account::find(tx, id).await?.is_some();
        }
        if let Some(id) = filter.stream {
            is_there &= Stream::find(tx, id).await?.is_some();
        }
        if let Some(id) = filter.batch {
            is_there &= Batch::find(tx, id).await?.is_some();
        }
        if let (Some(thread), Some(account), true) = (&filter.thread, filter.account, names_thread) {
            is_there &= !Thread::of(tx, &[(account, thread.clone())]).await?.is_empty();
        }
        if let Some(id) = filter.contact {
            is_there &= !Contact::of_ids(tx, &[id]).await?.is_empty();
        }
        Ok(is_there)
    };
    read(ctx, look).await
}

/// A place among the changes as a text: its numbers, and what the copy is of.
pub(super) fn changes_cursor(Cursor { place, shown }: Cursor) -> String {
    URL_SAFE_NO_PAD.encode([place.position.to_be_bytes().as_slice(), place.interaction.as_bytes(), &shown].concat())
}

/// The place of such a text.
///
/// # Errors
/// When it is none of ours.
pub(super) fn changes_place(cursor: &str) -> Result<Cursor> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(Some(cursor).filter(|text| text.len() <= 64)?).ok()?;
        let (position, rest) = bytes.split_first_chunk::<8>()?;
        let (interaction, shown) = rest.split_first_chunk::<16>()?;
        let place = Place { position: i64::from_be_bytes(*position), interaction: Uuid::from_bytes(*interaction) };
        Some(Cursor { place, shown: shown.try_into().ok()? })
    };
    read().ok_or_else(page::foreign)
}

/// A page of the timeline, as the query's arguments ask for it.
///
/// # Errors
/// When an argument is out of bounds, or the failure is ours.
pub(super) async fn asked(
    ctx: &Context<'_>,
    window: &Window,
    filter: TimelineFilter,
    search: Option<&str>,
    order: TimelineOrder,
) -> Result<TimelineConnection> {
    filter.check()?;
    let search = search.map(Search::parse).transpose();
    let search = search.map_err(|error| Code::BadUserInput.field_error(error.to_string()))?;
    let names_thread = filter.thread_id.is_some();
    match (search, filter.rows()) {
        (None, _) if order == TimelineOrder::Relevance => {
            Err(Code::BadUserInput.field_error("Only what a search finds has a relevance: give search, too."))
        }
        (_, None) => Ok(connection(window, Vec::new(), None)),
        (None, Some(filter)) => {
            // What could not be followed has no changes to begin.
            let with_cursor = wants_changes(ctx) && is_there(ctx, &filter, names_thread).await?;
            page(ctx, window, &filter, with_cursor).await
        }
        (Some(search), Some(filter)) => found(ctx, window, filter, search, order).await,
    }
}

/// Whether a field that gives a timeline is asked where its changes begin.
pub(super) fn wants_changes(ctx: &Context<'_>) -> bool {
    ctx.look_ahead().field("changesCursor").exists()
}

/// A page of the timeline, newest first.
///
/// # Errors
/// When a cursor is none of ours, or the failure is ours.
pub(super) async fn page(
    ctx: &Context<'_>,
    window: &Window,
    filter: &RowFilter,
    with_cursor: bool,
) -> Result<TimelineConnection> {
    let (places, towards) = window.places()?;
    let (app, user) = (app(ctx)?, viewer(ctx)?);
    // On the heap: threads and contacts have timelines, and whatever field of one is asked, its future has room for the longest.
    let found = sync::timeline::page(app, user, filter, places, towards, window.fetch(), with_cursor);
    let found = Box::pin(found).await;
    let (rows, cursor) = found.map_err(|error| refused(ctx, error))?;
    let hits = rows.into_iter().map(|row| Hit { row, rank: None, highlights: None });
    Ok(connection(window, hits.collect(), cursor))
}

async fn found(
    ctx: &Context<'_>,
    window: &Window,
    filter: RowFilter,
    search: Search,
    order: TimelineOrder,
) -> Result<TimelineConnection> {
    let (after, before) = (window.after.as_deref(), window.before.as_deref());
    let request = Request {
        search,
        filter,
        order: match order {
            TimelineOrder::Newest => Order::Time(window.places()?.0),
            TimelineOrder::Relevance => Order::Relevance(rank(after)?, rank(before)?),
        },
        towards: if window.backward { Towards::Newer } else { Towards::Older },
        limit: window.fetch(),
        highlights: ctx.look_ahead().field("edges").field("highlights").exists(),
    };
    let hits = sync::search::page(app(ctx)?, viewer(ctx)?, &request).await.map_err(|error| refused(ctx, error))?;
    Ok(connection(window, hits, None))
}

fn connection(window: &Window, hits: Vec<Hit>, changes: Option<Cursor>) -> TimelineConnection {
    let about = TimelineFields { changes_cursor: changes.map(changes_cursor) };
    let company = Company::of(hits.iter().map(|hit| &hit.row));
    page::connection_of(window, hits, about, |hit| {
        let place = page::cursor((hit.row.occurred_at, hit.row.interaction_id.0));
        let cursor = match hit.rank {
            None => place,
            Some(rank) => format!("{place}{:08x}", rank.to_bits()),
        };
        let fields = TimelineEdge { highlights: hit.highlights.map(Into::into) };
        Edge::new(cursor, Interaction::among(hit.row, &company), fields)
    })
}

/// A page of interactions that have been looked up already.
pub(super) fn of_rows(window: &Window, rows: Vec<Interaction>, changes: Option<Cursor>) -> TimelineConnection {
    let about = TimelineFields { changes_cursor: changes.map(changes_cursor) };
    page::connection_of(window, rows, about, |row| {
        Edge::new(page::cursor(row.place()), row, TimelineEdge { highlights: None })
    })
}

/// The place of a cursor in the order of relevance: that of the timeline, and the rank.
fn rank(cursor: Option<&str>) -> Result<Option<Ranked>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let (place, rank) = cursor.split_at_checked(cursor.len().saturating_sub(8)).unwrap_or_default();
    let rank = u32::from_str_radix(rank, 16).map_err(|_| page::foreign())?;
    let (occurred_at, id) = page::place(place)?;
    Ok(Some(Ranked { rank: f32::from_bits(rank), occurred_at, interaction_id: InteractionId(id) }))
}
