//! What becomes of one item that has arrived, given what the ledger knows of it.

use bytes::Bytes;

use super::{ITEM_TRIES, Prepared, What};
use crate::{
    db::{
        batches::Counts,
        items::{Known, Resolution},
        raw_events::NewRawEvent,
    },
    domain::{
        deletion::{self, DeletionPolicy, Departure},
        filter::TRASHED,
        ids::StreamId,
        item::{ItemOutcome, RawKind},
        job::backoff,
    },
    sync::{Result, Vault},
};

/// Counts each item of a batch once, under its latest outcome.
pub(super) fn tally(counts: &mut Counts, known: Option<&Known>, resolution: &Resolution) {
    if !known.is_some_and(|known| known.met) {
        counts.listed += 1;
    }
    let Some(now) = resolution.in_batch else { return };
    let before = known.and_then(|known| known.counted.as_deref()).and_then(ItemOutcome::from_word);
    if now == ItemOutcome::Unchanged && before.is_some() {
        return;
    }
    for (outcome, by) in before.map(|outcome| (outcome, -1)).into_iter().chain([(now, 1)]) {
        match outcome {
            ItemOutcome::Stored => counts.stored += by,
            ItemOutcome::Unchanged => counts.unchanged += by,
            ItemOutcome::Filtered => counts.filtered += by,
            ItemOutcome::Failed => counts.failed += by,
            ItemOutcome::Gone => counts.gone += by,
            ItemOutcome::Pending | ItemOutcome::Undone => {}
        }
    }
}

/// What it takes to decide.
pub(super) struct Decider<'a> {
    pub(super) vault: &'a Vault,
    pub(super) stream: StreamId,
    pub(super) include_undone: bool,
    /// What deletions mean; `None` when nothing that arrived tells of one.
    pub(super) policy: Option<DeletionPolicy>,
}

/// What became of an item, and the raw event that goes with it.
type Decided = (Resolution, Option<NewRawEvent>);

impl Decider<'_> {
    /// What the ledger says of an item now that it has arrived, and the raw event that goes with it.
    pub(super) fn decide(&self, known: Option<&Known>, one: Prepared) -> Result<Decided> {
        let Prepared { source_id, what, universal_hash } = one;
        let mut resolution = Resolution {
            source_id,
            outcome: ItemOutcome::Pending,
            reason: None,
            group_key: known.and_then(|known| known.group_key.clone()),
            version: known.and_then(|known| known.version),
            attempts: 0,
            retry_in_secs: None,
            changed: false,
            purge_in_days: None,
            in_batch: None,
            universal_hash,
        };
        if !self.include_undone && known.is_some_and(|known| known.outcome == ItemOutcome::Undone) {
            resolution.outcome = ItemOutcome::Undone;
            resolution.reason = Some("undone".to_owned());
            resolution.in_batch = Some(ItemOutcome::Filtered);
            return Ok((resolution, None));
        }
        let newest = known.and_then(|known| known.newest);
        let raw = match what {
            What::Inside { group, version, sealed, size_bytes } => {
                let raw = NewRawEvent {
                    source_id: resolution.source_id.clone(),
                    version,
                    kind: RawKind::Item,
                    group_key: group,
                    payload: sealed,
                    size_bytes,
                };
                self.inside(newest, &mut resolution, raw)?
            }
            What::Outside { group, version, rule } => {
                resolution.group_key = Some(group);
                self.outside(newest, &mut resolution, version, rule)?
            }
            What::Gone { version, record } => {
                (resolution.outcome, resolution.in_batch) = (ItemOutcome::Gone, Some(ItemOutcome::Gone));
                // Whatever version the provider gives a deletion, it is news as long as the item was not deleted before.
                let version = version.unwrap_or(0).max(resolution.version.map_or(0, |stored| stored + 1));
                self.marker(newest, &mut resolution, version, Departure::Deleted, &record)?
            }
            What::Failed { reason, passing } => {
                failed(known, &mut resolution, reason, passing);
                None
            }
        };
        resolution.changed = raw.is_some();
        Ok((resolution, raw))
    }

    fn inside(
        &self,
        newest: Option<RawKind>,
        resolution: &mut Resolution,
        mut raw: NewRawEvent,
    ) -> Result<Option<NewRawEvent>> {
        resolution.outcome = ItemOutcome::Stored;
        resolution.group_key = Some(raw.group_key.clone());
        if let Some(stored) = resolution.version.filter(|stored| *stored >= raw.version) {
            // Late news of an older version changes nothing.
            if newest == Some(RawKind::Item) {
                resolution.in_batch = Some(ItemOutcome::Unchanged);
                return Ok(None);
            }
            // It is back without having changed: another consent has room for it, or the provider had hidden it.
            let payload = self.vault.open_raw(self.stream, &raw.source_id, raw.version, &raw.payload)?;
            raw.version = stored + 1;
            raw.payload = self.vault.seal_raw(self.stream, &raw.source_id, raw.version, &payload)?;
        }
        (resolution.version, resolution.in_batch) = (Some(raw.version), Some(ItemOutcome::Stored));
        Ok(Some(raw))
    }

    fn outside(
        &self,
        newest: Option<RawKind>,
        resolution: &mut Resolution,
        version: i64,
        rule: String,
    ) -> Result<Option<NewRawEvent>> {
        let is_news = resolution.version.is_some_and(|stored| stored < version);
        let departure = if rule == TRASHED { Departure::Trashed } else { Departure::Outside };
        (resolution.outcome, resolution.in_batch) = (ItemOutcome::Filtered, Some(ItemOutcome::Filtered));
        resolution.reason = Some(rule);
        // It was inside before: a marker without content makes its rows go, and undo can bring them back.
        let raw = if is_news {
            self.marker(newest, resolution, version, departure, &Bytes::from_static(b"{}"))?
        } else {
            None
        };
        match raw.as_ref().map(|raw| raw.kind).or(newest) {
            // This consent leaves it out, but the one that brought it in stands.
            Some(RawKind::Item) => (resolution.outcome, resolution.reason) = (ItemOutcome::Stored, None),
            Some(RawKind::Kept) => {
                (resolution.outcome, resolution.in_batch) = (ItemOutcome::Gone, Some(ItemOutcome::Gone));
            }
            _ => {}
        }
        Ok(raw)
    }

    /// A raw event that says that an item is no longer there, or no longer ours to show.
    fn marker(
        &self,
        newest: Option<RawKind>,
        resolution: &mut Resolution,
        version: i64,
        departure: Departure,
        record: &Bytes,
    ) -> Result<Option<NewRawEvent>> {
        let (Some(newest), Some(policy)) = (newest, self.policy) else { return Ok(None) };
        let Some(kind) = deletion::marker(newest, departure, policy.kind) else { return Ok(None) };
        resolution.version = Some(version);
        resolution.purge_in_days = policy.purge_after_days().filter(|_| !kind.is_in_sight());
        let source_id = resolution.source_id.clone();
        Ok(Some(NewRawEvent {
            payload: self.vault.seal_raw(self.stream, &source_id, version, record)?,
            size_bytes: i32::try_from(record.len()).unwrap_or(i32::MAX),
            group_key: resolution.group_key.clone().unwrap_or_else(|| source_id.clone()),
            source_id,
            version,
            kind,
        }))
    }
}

/// Tries once more later, or sets the item aside.
fn failed(known: Option<&Known>, resolution: &mut Resolution, reason: String, passing: bool) {
    resolution.attempts = known.map_or(0, |known| known.attempts).saturating_add(1);
    resolution.reason = Some(reason);
    if passing && resolution.attempts < ITEM_TRIES {
        let wait = backoff(resolution.attempts.into(), rand::random());
        resolution.retry_in_secs = Some(i32::try_from(wait.as_secs()).unwrap_or(600));
    } else {
        (resolution.outcome, resolution.in_batch) = (ItemOutcome::Failed, Some(ItemOutcome::Failed));
    }
}
