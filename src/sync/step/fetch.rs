//! Fetching what the ledger says is pending.

use std::sync::Arc;

use futures::StreamExt;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    task::JoinSet,
};

use super::{
    super::{Result, store, store::Arrived},
    Bytes, Call, Class, Duration, Flow, Instant, Provider, Slice, TimeDelta, Verdict, items, kept, providers,
};
use crate::{
    app::App,
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
    /// Fetches until nothing is pending or the slice is over.
    pub(super) async fn fetch_pending(&mut self, app: &App) -> Result<Flow> {
        while self.items_left > 0 && Instant::now() < self.deadline {
            let mut tx = app.db.begin(self.session.user).await?;
            let limit = i64::try_from(ROUND.min(self.items_left)).unwrap_or(1);
            let pending = items::pending(&mut tx, self.stream.stream_id, self.fence.batch, limit).await?;
            tx.commit().await?;
            if pending.ids.is_empty() {
                let Some(at) = pending.next_try_at else { return Ok(Flow::On) };
                let delay =
                    (at - app.clock.now()).max(TimeDelta::seconds(1)).to_std().unwrap_or(Duration::from_secs(1));
                return Ok(Flow::End(Verdict::RetryAfter { delay, class: "items_wait", counts: false }));
            }
            if let Flow::End(verdict) = self.fetch_round(app, pending.ids).await? {
                return Ok(Flow::End(verdict));
            }
        }
        Ok(Flow::On)
    }

    /// Fetches these ids, storing a chunk while the next is on its way.
    async fn fetch_round(&mut self, app: &App, ids: Vec<String>) -> Result<Flow> {
        let chunk = self.chunk(app);
        let get = if self.stream.service == Service::Gmail { Call::GmailGet } else { Call::Calendar };
        let mut left = ids.len();
        // As many parts as are ever on order, so that ordering waits for nothing: what arrives waits for us.
        let (wanted, wants) = mpsc::channel(2);
        let mut fetching = Fetching::start(app, self, wants, chunk);
        let mut parts = ids.chunks(chunk).map(<[String]>::to_vec);
        let mut arrived = Vec::with_capacity(chunk);
        let mut arrived_bytes = 0;
        let mut outstanding = 0;
        let mut end = None;
        loop {
            // Keep one part on order beyond the one that is arriving, as far as the budget reaches.
            while end.is_none() && outstanding < 2 * chunk {
                let Some(part) = parts.next() else { break };
                match self.session.draw(app, get, part.len()).await? {
                    None => {
                        outstanding += part.len();
                        if wanted.send(part).await.is_err() {
                            return Err(anyhow::anyhow!("the fetching task ended early").into());
                        }
                    }
                    Some(wait) => {
                        // What was ordered is stored first; the part that had to wait stays pending.
                        if outstanding == 0 && arrived.is_empty() {
                            return self.wait_for_budget(wait).await;
                        }
                        end = Some(wait);
                    }
                }
            }
            if outstanding == 0 {
                break;
            }
            let Some(((id, result), _room)) = fetching.results.recv().await else { break };
            outstanding -= 1;
            arrived_bytes += bytes_of(&result);
            match sort(id, result) {
                Ok(one) => arrived.push(one),
                Err(error) => {
                    let flow = self.store(app, std::mem::take(&mut arrived)).await?;
                    let Flow::On = flow else { return Ok(flow) };
                    return self.refused(app, error).await;
                }
            }
            if arrived.len() >= chunk || outstanding == 0 || arrived_bytes >= CHUNK_BYTES {
                left -= arrived.len();
                arrived_bytes = 0;
                let flow = self.store(app, std::mem::take(&mut arrived)).await?;
                let Flow::On = flow else { return Ok(flow) };
                if Instant::now() > self.deadline {
                    return Ok(Flow::On);
                }
            }
        }
        match end {
            Some(wait) if left > 0 => self.wait_for_budget(wait).await,
            _ => Ok(Flow::On),
        }
    }

    /// How many items to fetch and store together: no more than a twentieth of the minute's budget, so that waits are short
    /// and progress is even.
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

/// A task that fetches what it is sent, so that the network works while the database does. Dropping it ends it.
struct Fetching {
    /// Each with the room it takes until someone has it.
    results: mpsc::Receiver<(Hydrated, OwnedSemaphorePermit)>,
    _task: JoinSet<()>,
}

impl Fetching {
    fn start(app: &App, slice: &Slice<'_>, mut wants: mpsc::Receiver<Vec<String>>, chunk: usize) -> Self {
        let (google, in_flight): (Arc<Google>, _) = (app.google.clone(), app.config.quota.in_flight);
        let (access, collection) = (slice.session.access.clone(), slice.stream.collection());
        let (sender, results) = mpsc::channel(chunk);
        let room = Arc::new(Semaphore::new(ROOM));
        let mut task = JoinSet::new();
        task.spawn(async move {
            while let Some(ids) = wants.recv().await {
                let mut fetched = std::pin::pin!(google.hydrate(&access, &collection, &ids, in_flight));
                while let Some(one) = fetched.next().await {
                    let needed = u32::try_from((bytes_of(&one.1) >> 10).clamp(1, ROOM)).unwrap_or(1);
                    // The semaphore is never closed.
                    let Ok(taken) = room.clone().acquire_many_owned(needed).await else { return };
                    if sender.send((one, taken)).await.is_err() {
                        return;
                    }
                }
            }
        });
        Self { results, _task: task }
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
