//! Fetching what the ledger says is pending.

use std::sync::Arc;

use futures::{SinkExt, StreamExt, channel::mpsc};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
};

use super::{
    super::{Result, calls, calls::Leave, store, store::Arrived},
    Bytes, Call, Class, Duration, Flow, Instant, MAX_SPARED, Provider, Slice, TimeDelta, Verdict, items, kept,
    providers,
};
use crate::{
    app::App,
    broker::Tally,
    domain::account::Service,
    providers::{Hydrated, google::Google},
};

/// Ids taken from the ledger at once.
const ROUND: usize = 1_000;

/// So many bytes are stored together although the chunk is not full: a hundred mails may have a few hundred kilobytes or
/// several gigabytes.
const CHUNK_BYTES: usize = 32 << 20;
/// And so much may wait, in KiB, while others are stored. A single mail that is larger has it all.
const ROOM: usize = 64 << 10;

impl Slice<'_> {
    /// Fetches until nothing is pending, `most` are fetched, or the slice is over.
    pub(super) async fn fetch_pending(&mut self, app: &App, most: usize) -> Result<Flow> {
        let stop_at = self.items_left.saturating_sub(most);
        while self.items_left > stop_at && Instant::now() < self.deadline {
            let mut tx = app.db.begin(self.session.user).await?;
            let limit = i64::try_from(ROUND.min(self.items_left - stop_at)).unwrap_or(1);
            let pending = items::pending(&mut tx, self.stream.stream_id, self.fence.batch, limit).await?;
            tx.commit().await?;
            if pending.ids.is_empty() {
                let Some(at) = pending.next_try_at else { return Ok(Flow::On) };
                let delay =
                    (at - app.clock.now()).max(TimeDelta::seconds(1)).to_std().unwrap_or(Duration::from_secs(1));
                return Ok(Flow::End(Verdict::RetryAfter { delay, class: "items_wait", counts: false }));
            }
            if let Flow::End(verdict) = self.fetch_round(app, &pending.ids).await? {
                return Ok(Flow::End(verdict));
            }
        }
        Ok(Flow::On)
    }

    /// Fetches these ids, storing a chunk while the next is on its way.
    async fn fetch_round(&mut self, app: &App, mut ids: &[String]) -> Result<Flow> {
        let (chunk, service) = (self.chunk(app), self.stream.service);
        let get = if service == Service::Gmail { Call::GmailGet } else { Call::Calendar };
        let mut fetching = Fetching::start(app, self, chunk);
        let (mut arrived, mut arrived_bytes, mut tally) = (Vec::with_capacity(chunk), 0, Tally::default());
        let mut held = None;
        loop {
            // Keep a chunk on order beyond the one that is arriving, as far as the budget reaches.
            while held.is_none() && !ids.is_empty() && fetching.outstanding < 2 * chunk {
                match self.session.leave(app, get, 1..=chunk.min(ids.len())).await? {
                    Leave::Granted(paid) => {
                        let (ordered, rest) = ids.split_at(paid.min(ids.len()));
                        fetching.order(ordered);
                        ids = rest;
                    }
                    Leave::Held(hold) => held = Some(hold),
                }
            }
            // What was ordered is stored first; what had to wait stays pending.
            let Some((id, result)) = fetching.next().await? else { break };
            calls::count(&mut tally, service, &result);
            arrived_bytes += bytes_of(&result);
            match sort(id, result) {
                Ok(one) => arrived.push(one),
                Err(error) => {
                    self.session.note(app, service, tally).await;
                    let flow = self.store(app, arrived).await?;
                    let Flow::On = flow else { return Ok(flow) };
                    return self.refused(app, error).await;
                }
            }
            if arrived.len() >= chunk || fetching.outstanding == 0 || arrived_bytes >= CHUNK_BYTES {
                arrived_bytes = 0;
                let flow = self.settle(app, std::mem::take(&mut arrived), std::mem::take(&mut tally)).await?;
                let Flow::On = flow else { return Ok(flow) };
                if Instant::now() > self.deadline {
                    return Ok(Flow::On);
                }
            }
        }
        match held {
            Some(hold) => self.hold(hold).await,
            None => Ok(Flow::On),
        }
    }

    /// Tells the breakers how a chunk's calls went, and stores what came of them.
    async fn settle(&mut self, app: &App, mut arrived: Vec<Arrived>, tally: Tally) -> Result<Flow> {
        let failed = |one: &Arrived| matches!(one, Arrived::Failed { passing: true, .. });
        let opened = self.session.note(app, self.stream.service, tally).await;
        let is_progress = arrived.iter().any(|one| !failed(one));
        if is_progress || opened.is_none() {
            self.checkpoint.n_spared = 0;
        }
        let Some(hold) = opened else { return self.store(app, arrived).await };
        // The provider fails at large, which is not the items' doing: they stay pending, and no try of theirs counts. Unless
        // it goes on and on while the provider answers its probes; then it may be theirs after all. What fails alone does so
        // by itself.
        if tally.failed > 1 && self.checkpoint.n_spared < MAX_SPARED {
            self.checkpoint.n_spared += 1;
            arrived.retain(|one| !failed(one));
        }
        self.items_left = self.items_left.saturating_sub(arrived.len());
        let prepared = self.prepare(arrived).await?;
        match kept(store::store(app, self, store::Page::default(), prepared).await?) {
            Flow::On => self.hold(hold).await,
            end => Ok(end),
        }
    }

    /// How many items to fetch and store together: no more than a twentieth of the minute's budget, so that progress is
    /// even.
    fn chunk(&self, app: &App) -> usize {
        let budget = app.config.quota.gmail_units_per_minute.min(app.config.quota.gmail_project_units_per_minute);
        let fits = usize::try_from(budget / Call::GmailGet.units() / 20).unwrap_or(1);
        fits.clamp(1, app.config.sync.chunk_items)
    }

    async fn store(&mut self, app: &App, arrived: Vec<Arrived>) -> Result<Flow> {
        if arrived.is_empty() {
            return Ok(Flow::On);
        }
        self.items_left = self.items_left.saturating_sub(arrived.len());
        let prepared = self.prepare(arrived).await?;
        Ok(kept(store::store(app, self, store::Page::default(), prepared).await?))
    }
}

/// A task that fetches what is ordered, so that the network works while the database does. Dropping it ends it.
struct Fetching {
    orders: mpsc::UnboundedSender<String>,
    /// Each with the room it takes until someone has it.
    results: mpsc::Receiver<(Hydrated, OwnedSemaphorePermit)>,
    /// Ordered, and not yet taken from the results.
    outstanding: usize,
    _task: JoinSet<()>,
}

impl Fetching {
    fn start(app: &App, slice: &Slice<'_>, chunk: usize) -> Self {
        let (google, in_flight): (Arc<Google>, _) = (app.google.clone(), app.config.quota.runs_in_flight());
        let (access, collection) = (slice.session.access.clone(), slice.stream.collection());
        // Unbounded by itself; whoever orders looks at what is outstanding.
        let (orders, ids) = mpsc::unbounded();
        let (mut sender, results) = mpsc::channel(chunk);
        let room = Arc::new(Semaphore::new(ROOM));
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut fetched = std::pin::pin!(google.hydrate(&access, &collection, ids, in_flight));
            while let Some(one) = fetched.next().await {
                let needed = u32::try_from((bytes_of(&one.1) >> 10).clamp(1, ROOM)).unwrap_or(1);
                // The semaphore is never closed.
                let Ok(taken) = room.clone().acquire_many_owned(needed).await else { return };
                if sender.send((one, taken)).await.is_err() {
                    return;
                }
            }
        });
        Self { orders, results, outstanding: 0, _task: task }
    }

    fn order(&mut self, ids: &[String]) {
        for id in ids {
            // Refused only once the task has ended, which `next` tells.
            self.orders.unbounded_send(id.clone()).ok();
            self.outstanding += 1;
        }
    }

    /// The next result, in no particular order; `None` when nothing is outstanding.
    async fn next(&mut self) -> Result<Option<Hydrated>> {
        if self.outstanding == 0 {
            return Ok(None);
        }
        let (one, _room) = self.results.next().await.ok_or_else(|| anyhow::anyhow!("the fetching task ended early"))?;
        self.outstanding -= 1;
        Ok(Some(one))
    }
}

fn bytes_of(result: &Result<providers::Payload, providers::Error>) -> usize {
    result.as_ref().map_or(0, |payload| payload.json.len())
}

/// Tells what became of one item from what ends the slice.
fn sort(source_id: String, result: Result<providers::Payload, providers::Error>) -> Result<Arrived, providers::Error> {
    match result {
        Ok(payload) => Ok(Arrived::Item(payload)),
        Err(error) => match error.class {
            Class::ItemGone => Ok(Arrived::Gone { source_id, version: None, record: Bytes::from_static(b"{}") }),
            Class::Transient => Ok(Arrived::Failed { source_id, reason: error.detail, passing: true }),
            Class::Permanent => Ok(Arrived::Failed { source_id, reason: error.detail, passing: false }),
            _ => Err(error),
        },
    }
}
