//! Storing what arrived: items, raw events, holds, counters, cursor, checkpoint and lease in one transaction.
//!
//! Whatever dies between two of these transactions, the next worker finds the ledger, the raw events and the cursor telling
//! the same story (invariants 3 and 4). The transaction's last statements are its fences: one fails when another worker has
//! taken the job over, the other when the batch was undone or cancelled; then nothing of it is kept.
//!
//! Rows are taken in one order by every transaction of this room, so that none waits for another in a circle: items, then
//! jobs in the order of their making (sync before normalize), then the batch.

use std::collections::HashMap;

use bytes::Bytes;

use self::decide::{Decider, tally};
use super::{Result, Vault, brake, reconcile, step::Slice, work::hint};
use crate::{
    app::App,
    db::{
        Tx,
        accounts::Account,
        batches::{self, Counts},
        items::{self, Known, Resolution},
        jobs, raw_events, streams,
    },
    domain::{
        consent::{CalendarScope, Exclusions},
        deletion::DeletionPolicy,
        filter::{self, MailFilter},
        ids::StreamId,
        item::{RawKind, UniversalHash, UniversalId},
        job::JobKind,
        normalize::{Unreadable, mail, meeting},
        stream::Cursor,
    },
    meters,
    providers::Payload,
};

mod decide;

/// Leftovers taken up in one transaction.
const LEFTOVERS: i64 = 1_000;

/// Tries of one item before it is set aside as failed.
const ITEM_TRIES: i16 = 3;

/// One item as it came from the provider.
#[derive(Debug)]
pub(super) enum Arrived {
    /// Its payload.
    Item(Payload),
    /// It is gone; with the record that says so, where there is one.
    Gone { source_id: String, version: Option<i64>, record: Bytes },
    /// It could not be had.
    Failed { source_id: String, reason: String, passing: bool },
}

/// The approved filter, made ready for one service.
#[derive(Clone)]
pub(super) enum Filter {
    Mail(Box<MailFilter>),
    Calendar(CalendarScope, Exclusions),
}

/// What the filter makes of a payload.
struct Checked {
    /// `Ok(Err(rule))` names the rule that keeps it out.
    verdict: Result<Result<(), String>, Unreadable>,
    /// What it is called everywhere, as far as it says, whatever became of it.
    universal_id: Option<UniversalId>,
}

impl Filter {
    fn check(&self, json: &[u8]) -> Checked {
        let (verdict, named) = match self {
            Self::Mail(filter) => match mail::facts(json) {
                Ok(facts) => (Ok(filter.is_inside(&facts)), UniversalId::new(&facts.message_id)),
                Err(unreadable) => (Err(unreadable), mail::universal_id(json)),
            },
            Self::Calendar(scope, exclusions) => match meeting::event_facts(json) {
                Ok(facts) => {
                    (Ok(filter::event_is_inside(scope, exclusions, &facts)), UniversalId::new(&facts.ical_uid))
                }
                Err(unreadable) => (Err(unreadable), meeting::ical_uid(json)),
            },
        };
        Checked { verdict, universal_id: named }
    }
}

/// One item, filtered and sealed, ready to be stored.
pub(super) struct Prepared {
    source_id: String,
    what: What,
    /// Of its universal name; the name itself goes no further than here.
    universal_hash: Option<UniversalHash>,
}

enum What {
    Inside { group: String, version: i64, sealed: Vec<u8>, size_bytes: i32 },
    Outside { group: String, version: i64, rule: String },
    Gone { version: Option<i64>, record: Bytes },
    Failed { reason: String, passing: bool },
}

/// Filters and seals. Takes its time on the processor, so it runs beside the runtime's threads.
pub(super) fn prepare(
    vault: &Vault,
    filter: &Filter,
    stream: StreamId,
    arrived: Vec<Arrived>,
) -> Result<Vec<Prepared>> {
    arrived.into_iter().map(|one| prepare_one(vault, filter, stream, one)).collect()
}

fn prepare_one(vault: &Vault, filter: &Filter, stream: StreamId, arrived: Arrived) -> Result<Prepared> {
    let (source_id, what, universal_id) = match arrived {
        Arrived::Gone { source_id, version, record } => (source_id, What::Gone { version, record }, None),
        Arrived::Failed { source_id, reason, passing } => (source_id, What::Failed { reason, passing }, None),
        Arrived::Item(Payload { source_id, version, group, json }) => {
            let Checked { verdict, universal_id } = filter.check(&json);
            let what = match verdict {
                Ok(Ok(())) => {
                    let sealed = vault.seal_raw(stream, &source_id, version, &json)?;
                    What::Inside { group, version, sealed, size_bytes: i32::try_from(json.len()).unwrap_or(i32::MAX) }
                }
                Ok(Err(rule)) => What::Outside { group, version, rule },
                Err(unreadable) => What::Failed { reason: unreadable.to_string(), passing: false },
            };
            (source_id, what, universal_id)
        }
    };
    let universal_hash = universal_id.map(|id| vault.universal_hash(&id));
    Ok(Prepared { source_id, what, universal_hash })
}

/// What one transaction writes beside what arrived.
#[derive(Default)]
pub(super) struct Page {
    /// Ids that were listed and must be fetched.
    pub(super) ids: Vec<String>,
    /// The place of the first of them in the listing.
    pub(super) first_ordinal: i64,
    /// How the ids meet the ledger.
    pub(super) listing: items::Listing,
    /// What else of the ledger is to be looked at; with it, nothing is listed.
    pub(super) leftover: Option<items::Leftover>,
    /// Whether the page is of a listing, which proves what is covered when it ends.
    pub(super) is_listing: bool,
    /// Where the cursor moves to.
    pub(super) cursor: Option<Cursor>,
    /// Whether the cursor is dead and everything must be listed anew.
    pub(super) forget_cursor: bool,
    /// Whether everything inside the consent has been listed with this page.
    pub(super) last: bool,
}

/// Whether the transaction was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// Yes.
    Kept,
    /// No: the job or the batch is no longer this worker's.
    Fenced,
}

/// Stores a page of a listing or a chunk of fetched items, or both, and moves the checkpoint.
pub(super) async fn store(app: &App, slice: &mut Slice<'_>, page: Page, prepared: Vec<Prepared>) -> Result<Stored> {
    let (stream, batch) = (slice.stream.stream_id, slice.fence.batch);
    let mut tx = app.db.begin(slice.session.user).await?;
    let mut counts = Counts::default();
    let (n_named, mut n_fresh) = (page.ids.len() + prepared.len(), 0);
    if let Some(which) = page.leftover {
        counts.listed += items::adopt(&mut tx, stream, batch, which, LEFTOVERS).await?;
        slice.looked_after(which, counts.listed < LEFTOVERS);
    }
    if !page.ids.is_empty() {
        let listed = items::enter(&mut tx, stream, batch, &page.ids, page.first_ordinal, page.listing).await?;
        counts.listed += listed.met;
        n_fresh += listed.fresh;
        counts.unchanged += listed.unchanged;
        counts.filtered += listed.kept_out;
    }
    let wrote = write_items(&mut tx, slice, prepared, &mut counts).await?;
    if let Some(too_much) = brake::check(&mut tx, slice, wrote.n_leaving).await? {
        drop(tx);
        brake::pull(app, slice, too_much).await?;
        return Ok(Stored::Fenced);
    }
    let met = page.is_listing.then(|| slice.checkpoint.tally(n_named, n_fresh + wrote.n_fresh));
    let checkpoint = serde_json::to_value(&slice.checkpoint)?;
    // A listing that begins again meets nothing new until it is past where it was.
    let advanced = counts != Counts::default() || page.cursor.is_some();
    if !jobs::hold(&mut tx, slice.claim, app.config.sync.lease, Some(&checkpoint), advanced).await? {
        return Ok(Stored::Fenced);
    }
    let normalize = JobKind::normalize_of(slice.stream.service);
    let woken = if wrote.raw { jobs::signal(&mut tx, batch, normalize).await? } else { None };
    if page.last {
        jobs::mark_listed(&mut tx, slice.claim).await?;
        batches::mark_listed(&mut tx, slice.fence).await?;
    }
    if !batches::count(&mut tx, slice.fence, &counts).await? {
        return Ok(Stored::Fenced);
    }
    // After job and batch, as everywhere: whoever stops a run has those when they withdraw its streams.
    if let Some((n_listed, n_gaps)) = met.filter(|_| page.last) {
        streams::note_coverage(&mut tx, stream, n_listed, n_gaps).await?;
    }
    move_cursor(&mut tx, slice, &page).await?;
    tx.commit().await?;
    meters::stored(slice.stream.service.as_str(), u64::try_from(counts.stored).unwrap_or(0));
    reconcile::ring(app, woken.as_slice()).await;
    hint(app, batch).await;
    Ok(Stored::Kept)
}

/// Moves the cursor, or forgets a dead one, and with it the places of what a listing has named.
async fn move_cursor(tx: &mut Tx, slice: &mut Slice<'_>, page: &Page) -> Result<()> {
    let stream = slice.stream.stream_id;
    if page.forget_cursor {
        items::forget_places(tx, stream, slice.fence.batch).await?;
    }
    if page.cursor.is_some() || page.forget_cursor {
        let listed = page.last || (slice.stream.listed && !page.forget_cursor);
        streams::move_cursor(tx, stream, slice.preview, page.cursor.as_ref(), listed).await?;
        slice.stream.listed = listed;
    }
    Ok(())
}

/// What writing some items came to.
#[derive(Clone, Copy, Debug, Default)]
struct Wrote {
    /// Whether any raw event was written.
    raw: bool,
    /// How many items the ledger did not know.
    n_fresh: i64,
    /// How many were on the timeline and leave it.
    n_leaving: i64,
}

/// What deletions mean for the account now; not asked where nothing tells of one.
async fn policy(tx: &mut Tx, slice: &Slice<'_>, prepared: &[Prepared]) -> Result<Option<DeletionPolicy>> {
    if !prepared.iter().any(|one| matches!(one.what, What::Gone { .. } | What::Outside { .. })) {
        return Ok(None);
    }
    Ok(Account::find(tx, slice.session.account.account_id).await?.map(|account| account.deletions()))
}

/// Writes what became of the items.
async fn write_items(tx: &mut Tx, slice: &Slice<'_>, prepared: Vec<Prepared>, counts: &mut Counts) -> Result<Wrote> {
    if prepared.is_empty() {
        return Ok(Wrote::default());
    }
    let (stream, batch) = (slice.stream.stream_id, slice.fence.batch);
    let ids: Vec<String> = prepared.iter().map(|one| one.source_id.clone()).collect();
    let known = items::lock_known(tx, slice.session.account.provider, stream, batch, &ids).await?;
    let known: HashMap<&str, &Known> = known.iter().map(|known| (known.source_id.as_str(), known)).collect();
    let newest = |id: &str| known.get(id).and_then(|known| known.newest);
    let (vault, include_undone) = (&slice.session.vault, slice.include_undone);
    let decider = Decider { vault, stream, include_undone, policy: policy(tx, slice, &prepared).await? };
    let (mut resolutions, mut raws) = (HashMap::new(), Vec::new());
    for one in prepared {
        // The provider may name an item twice in a page; the last word counts.
        let known = known.get(one.source_id.as_str()).copied();
        let (resolution, raw) = decider.decide(known, one)?;
        raws.extend(raw);
        resolutions.insert(resolution.source_id.clone(), resolution);
    }
    let mut resolutions: Vec<Resolution> = resolutions.into_values().collect();
    resolutions.sort_by(|left, right| left.source_id.cmp(&right.source_id));
    for resolution in &resolutions {
        tally(counts, known.get(resolution.source_id.as_str()).copied(), resolution);
    }
    raw_events::insert(tx, slice.session.account.provider, stream, batch, &raws).await?;
    items::resolve(tx, stream, batch, &resolutions).await?;
    let leaves = |raw: &&raw_events::NewRawEvent| {
        newest(&raw.source_id).is_some_and(RawKind::is_in_sight) && !raw.kind.is_in_sight()
    };
    let n_leaving = raws.iter().filter(leaves).count();
    let n_fresh = resolutions.iter().filter(|one| !known.contains_key(one.source_id.as_str())).count();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Wrote { raw: !raws.is_empty(), n_fresh: count(n_fresh), n_leaving: count(n_leaving) })
}
