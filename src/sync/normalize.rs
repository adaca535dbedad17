//! `normalize`: raw events into interactions.
//!
//! A projection reads the newest surviving raw events of some groups and makes the groups' rows exactly what the normalizer
//! gives for them (invariant 7). One projection at a time works a stream, held by a lock of the transaction, so that none can
//! write what an older reading gave over what a newer one did.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::{
    Result, Vault,
    work::{hint, hint_timeline},
};
use crate::{
    app::App,
    db::{
        Tx,
        accounts::Account,
        batches::{self, Batch, Counts, Fence},
        changes::{self, Changes},
        interactions::{self, Projected, Target},
        items,
        jobs::{self, Claim, Job},
        locks,
        people::{self, Presence},
        raw_events::{self, RawEvent, Size},
        streams::Stream,
    },
    domain::{
        self,
        account::Service,
        ids::UserId,
        item::RawKind,
        job::{JobKind, Verdict},
        normalize::{NewInteraction, mail, meeting},
    },
};

/// Items whose groups are projected in one transaction.
const CHUNK: i64 = 200;
/// Of these, groups that are read together while those before them are written.
const PORTION: usize = 50;
/// Bytes, as received, that are opened and taken apart together: 200 mails may have a few megabytes or ten thousand.
const PORTION_BYTES: u64 = 64 << 20;

/// Projects what is behind in a batch's streams, until nothing is or the slice is over.
pub(super) async fn slice(app: &App, user: UserId, claim: &mut Claim) -> Result<Verdict> {
    let deadline = tokio::time::Instant::now() + app.config.sync.slice;
    let service = if claim.kind == JobKind::NormalizeMail { Service::Gmail } else { Service::Calendar };
    let mut tx = app.db.begin(user).await?;
    let Some(batch) = Batch::find(&mut tx, claim.batch_id).await? else { return Ok(Verdict::Done) };
    // Looked at before the last round: what comes in later signals.
    let feeders_done = Job::of_batch(&mut tx, claim.batch_id)
        .await?
        .iter()
        .filter(|job| job.kind == JobKind::sync_of(service))
        .all(|job| job.state.is_over());
    let streams = Stream::of_account(&mut tx, batch.account_id).await?;
    tx.commit().await?;
    let fence = Fence { batch: claim.batch_id, generation: batch.generation };
    for stream in streams.iter().filter(|stream| stream.service == service) {
        while chunk(app, user, claim, fence, stream).await? > 0 {
            hint(app, claim.batch_id).await;
            hint_timeline(app, user).await;
            if tokio::time::Instant::now() > deadline {
                return Ok(Verdict::Continue);
            }
        }
    }
    Ok(if feeders_done { Verdict::Done } else { Verdict::Wait })
}

/// Projects one chunk of a stream; returns how many items caught up.
async fn chunk(app: &App, user: UserId, claim: &mut Claim, fence: Fence, stream: &Stream) -> Result<i64> {
    let mut tx = app.db.begin(user).await?;
    locks::hold_stream(&mut tx, stream.stream_id).await?;
    let behind = items::lock_behind(&mut tx, stream.stream_id, CHUNK).await?;
    if behind.is_empty() {
        return Ok(0);
    }
    let groups: BTreeSet<String> = behind.iter().map(|item| item.group_key.clone()).collect();
    project(app, &mut tx, stream, groups.into_iter().collect()).await?;
    items::mark_projected(&mut tx, stream.stream_id, &behind).await?;
    let n = i64::try_from(behind.len()).unwrap_or(i64::MAX);
    let still_held = jobs::hold(&mut tx, claim, app.config.sync.lease, None, true).await?;
    // A projection is right whatever became of the batch, so a fence that has fallen only costs the count.
    batches::count(&mut tx, fence, &Counts { normalized: n, ..Counts::default() }).await?;
    if !still_held {
        return Ok(0);
    }
    tx.commit().await?;
    Ok(n)
}

/// Makes the interactions of these groups what their newest surviving raw events say. The caller holds the stream.
pub(super) async fn project(app: &App, tx: &mut Tx, stream: &Stream, groups: Vec<String>) -> Result<()> {
    if groups.is_empty() {
        return Ok(());
    }
    let accounts = Account::all(tx).await?;
    let account = accounts.iter().find(|account| account.account_id == stream.account_id);
    let account = account.ok_or_else(|| anyhow::anyhow!("a stream without an account"))?;
    let vault = Vault::open(app, tx).await?;
    let own = people::own_of(&accounts);
    let projector = Projector { vault, stream: stream.clone(), aliases: account.own_addresses(), own };
    let target = Target { account: stream.account_id, stream: stream.stream_id, service: stream.service };
    let sizes = raw_events::sizes(tx, account.provider, stream.stream_id, &groups).await?;
    let (mut made, mut read) = (Made::default(), None);
    for groups in portions(groups, &sizes) {
        let raws = raw_events::newest(tx, account.provider, stream.stream_id, &groups).await?;
        let projector = projector.clone();
        // Opening, unpacking and parsing takes tens of milliseconds, which the runtime's threads are not for. Meanwhile the portion
        // before is written: by turns, the processor would wait for the database, and then the database for it.
        let reading = tokio::task::spawn_blocking(move || projector.rows(raws));
        if let Some((groups, rows)) = read.take() {
            made.write(tx, target, groups, rows).await?;
        }
        read = Some((groups, reading.await??));
    }
    if let Some((groups, rows)) = read {
        made.write(tx, target, groups, rows).await?;
    }
    // Last, because from here on nobody else can change the person's contacts and timeline.
    people::replace(tx, &made.changes.removed, &made.present).await?;
    Ok(changes::note(tx, &made.changes).await?)
}

/// What a projection has come to so far.
#[derive(Default)]
struct Made {
    changes: Changes,
    present: Vec<Presence>,
}

impl Made {
    async fn write(&mut self, tx: &mut Tx, target: Target, groups: Vec<String>, rows: Vec<Projected>) -> Result<()> {
        interactions::replace(tx, target, &groups, &rows, &mut self.changes).await?;
        self.present.extend(rows.into_iter().map(|projected| Presence {
            interaction: projected.id(target.stream),
            occurred_at: projected.row.occurred_at,
            people: projected.people,
        }));
        Ok(())
    }
}

/// The groups in portions of [`PORTION`] that fit into memory together; one that does not is a portion of its own.
fn portions(groups: Vec<String>, sizes: &[Size]) -> Vec<Vec<String>> {
    let mut bytes: HashMap<&str, u64> = HashMap::new();
    for Size { group_key, size_bytes } in sizes {
        *bytes.entry(group_key).or_default() += u64::try_from(*size_bytes).unwrap_or(0);
    }
    let (mut all, mut left) = (Vec::<Vec<String>>::new(), 0);
    for group in groups {
        let own = bytes.get(group.as_str()).copied().unwrap_or(0);
        match all.last_mut().filter(|portion| own <= left && portion.len() < PORTION) {
            Some(portion) => {
                left -= own;
                portion.push(group);
            }
            None => {
                left = PORTION_BYTES.saturating_sub(own);
                all.push(vec![group]);
            }
        }
    }
    all
}

#[derive(Clone)]
struct Projector {
    vault: Vault,
    stream: Stream,
    aliases: Vec<String>,
    /// The mailboxes of all accounts of the person.
    own: Vec<String>,
}

impl Projector {
    fn rows(&self, raws: Vec<RawEvent>) -> Result<Vec<Projected>> {
        let mut rows = Vec::new();
        for (group_key, raws) in grouped(raws) {
            let Some(newest) = raws.last() else { continue };
            let (batch, version) = (newest.batch_id, newest.version);
            for (deleted_at, raws) in shown(&group_key, &raws) {
                let normalized = self.normalize(&raws)?;
                let group_key = &group_key;
                rows.extend(normalized.into_iter().map(|row| Projected {
                    group_key: group_key.clone(),
                    batch,
                    version,
                    deleted_at,
                    people: domain::people::of(&row, &self.own),
                    row,
                }));
            }
        }
        // One order for everyone who writes, so that two writers cannot wait for each other.
        rows.sort_by(|left, right| {
            (&left.group_key, &left.row.occurrence).cmp(&(&right.group_key, &right.row.occurrence))
        });
        rows.dedup_by(|left, right| left.group_key == right.group_key && left.row.occurrence == right.row.occurrence);
        Ok(rows)
    }

    fn normalize(&self, raws: &[&RawEvent]) -> Result<Vec<NewInteraction>> {
        let mut payloads = Vec::with_capacity(raws.len());
        for raw in raws {
            payloads.push(self.vault.open_raw(self.stream.stream_id, &raw.source_id, raw.version, &raw.payload)?);
        }
        let normalized = match self.stream.service {
            Service::Gmail => {
                payloads.iter().map(|json| mail::mail(json, &self.aliases)).collect::<Result<Vec<_>, _>>()
            }
            Service::Calendar => {
                let jsons: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
                meeting::series(&jsons, self.window(), self.stream.time_zone.as_deref())
            }
        };
        // What was stored had been read before, so this is a fault of ours, or of the disk below us.
        Ok(normalized.map_err(anyhow::Error::from)?)
    }

    fn window(&self) -> (DateTime<Utc>, DateTime<Utc>) {
        (
            self.stream.window_from.unwrap_or(DateTime::<Utc>::MIN_UTC),
            self.stream.window_to.unwrap_or(DateTime::<Utc>::MAX_UTC),
        )
    }
}

/// The groups, each with its oldest first. The order is total, for a series and its exceptions may change in one millisecond
/// and be fetched by two batches, and what is projected may not depend on the order in which the database finds them.
fn grouped(mut raws: Vec<RawEvent>) -> HashMap<String, Vec<RawEvent>> {
    raws.sort_by(|left, right| {
        (left.version, left.batch_id, &left.source_id).cmp(&(right.version, right.batch_id, &right.source_id))
    });
    let mut groups: HashMap<String, Vec<RawEvent>> = HashMap::new();
    for raw in raws {
        groups.entry(raw.group_key.clone()).or_default().push(raw);
    }
    groups
}

/// What of a group is in sight, and since when the provider no longer has it.
fn shown<'a>(group_key: &str, raws: &'a [RawEvent]) -> Vec<(Option<DateTime<Utc>>, Vec<&'a RawEvent>)> {
    let items = raws.iter().filter(|raw| raw.kind == RawKind::Item);
    match raws.iter().find(|raw| raw.source_id == group_key) {
        // A series whose master went away or left the filter takes its exceptions with it.
        Some(own) if own.kind != RawKind::Item => Vec::new(),
        // One that is kept keeps them. While it stands, an exception that was deleted is an edit of it, and goes.
        Some(own) => {
            let is_part = |raw: &&RawEvent| own.deleted_at.is_some() || raw.deleted_at.is_none();
            vec![(own.deleted_at, items.filter(is_part).collect())]
        }
        // Exceptions alone are meetings of their own.
        None => {
            let (kept, standing): (Vec<_>, Vec<_>) = items.partition(|raw| raw.deleted_at.is_some());
            let alone = kept.into_iter().map(|raw| (raw.deleted_at, vec![raw]));
            std::iter::once((None, standing)).chain(alone).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::ids::BatchId;

    #[test]
    fn what_changed_in_one_millisecond_has_one_order_however_it_is_found() {
        let raw = |source_id: &str, version, batch| RawEvent {
            source_id: source_id.to_owned(),
            version,
            kind: RawKind::Item,
            group_key: "series".to_owned(),
            batch_id: BatchId(Uuid::from_u128(batch)),
            payload: Vec::new(),
            deleted_at: None,
        };
        let expected = [raw("b", 1, 9), raw("series", 7, 1), raw("a", 7, 2), raw("c", 7, 2)];
        for turn in 0..expected.len() {
            let mut found = expected.to_vec();
            found.rotate_left(turn);
            found.swap(0, 1);
            let order: Vec<_> = grouped(found)["series"].iter().map(|raw| raw.source_id.clone()).collect();
            assert_eq!(order, ["b", "series", "a", "c"]);
        }
    }

    #[test]
    fn what_is_large_is_a_portion_of_its_own() {
        let size = |group: &str, mib: i32| Size { group_key: group.to_owned(), size_bytes: mib << 20 };
        // A series has several events; a group without any is only to be cleared.
        let sizes = [size("a", 30), size("b", 20), size("b", 13), size("c", 2), size("d", 100), size("e", 64)];
        let groups = ["a", "b", "c", "none", "d", "e"].map(str::to_owned).to_vec();
        let portions: Vec<String> = portions(groups, &sizes).into_iter().map(|portion| portion.join(" ")).collect();
        assert_eq!(portions, ["a b", "c none", "d", "e"]);
    }
}
