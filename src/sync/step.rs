//! `step`: one bounded slice of reading one stream.
//!
//! A first run lists, fetches what the listing named (newest first), then asks what has changed since before the listing. A
//! later run asks what has changed, and lists anew when the cursor has died. Whatever a page names is in the ledger before the
//! cursor moves past it; fetching works off the ledger, so that a slice can end anywhere.

use std::time::Duration;

use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::{
    Result,
    calls::{Called, Hold},
    session::Session,
    store::{self, Arrived, Filter, Stored},
};
use crate::{
    app::App,
    db::{
        batches::{Batch, Fence},
        items::{self, Leftover, Listing as Meeting},
        jobs::Claim,
        previews::Preview,
        streams::{self, Stream},
    },
    domain::{
        account::{AccountState, Service},
        batch::{BatchOrigin, BatchState},
        consent::{Exclusions, Snapshot},
        filter::MailFilter,
        ids::{PreviewId, UserId},
        job::{Verdict, backoff},
        quota::Call,
        stream::Cursor,
    },
    providers::{self, Class, Entry, Listing, Next, Page, Provider},
};

mod addresses;
mod fetch;

/// Chunks in a row whose items are spared when the provider fails at large: ten minutes' worth, with breakers as they are by
/// default.
const MAX_SPARED: u32 = 20;
/// Items fetched before everything is listed.
const FIRST_LOOK: usize = 100;

/// Where a job stands between two slices. Names pages and places, never content.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Checkpoint {
    phase: Phase,
    /// The next page of the listing or of the changes.
    page: Option<String>,
    /// The cursor taken before the listing began, for providers that give it there.
    baseline: Option<Cursor>,
    /// How many ids the listing has named: the next one's place.
    ordinal: i64,
    /// Whether changes since the baseline have been asked for.
    caught_up: bool,
    /// Whether the listing that comes next, or runs, follows changes that the stream's older cursor has told of, so that
    /// nothing can have gone unnoticed.
    told: bool,
    /// Whether everything is listed although it has been: the run is an audit.
    audit: bool,
    /// What the listing has come to so far: ids named, and those that the ledger should have known and did not.
    n_audited: i64,
    n_gaps: i64,
    /// How many items the run has taken off the timeline.
    n_left: i64,
    /// How many chunks in a row the provider has failed at large, so that their items were spared.
    n_spared: u32,
}

impl Checkpoint {
    /// Adds to what the run takes off the timeline; returns how much that is by now.
    pub(super) fn leaving(&mut self, n: i64) -> i64 {
        self.n_left += n;
        self.n_left
    }

    /// Adds a page of a listing; returns how many ids were named so far, and how many of them are gaps.
    ///
    /// What the ledger does not know is one only in an audit, which asks for what is new before it lists. To other listings
    /// it is new by right: under a consent that has not been listed, or after a cursor that can tell no more.
    pub(super) fn tally(&mut self, n_named: usize, n_fresh: i64) -> (i64, i64) {
        self.n_audited += i64::try_from(n_named).unwrap_or(0);
        self.n_gaps += if self.audit { n_fresh } else { 0 };
        (self.n_audited, self.n_gaps)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Phase {
    #[default]
    Begin,
    Listing,
    Changes,
    /// Taking up what earlier batches listed and did not fetch.
    Unfetched,
    /// Taking up what is stored and the listing did not name.
    Unmet,
    Fetching,
}

/// What one slice works with.
pub(super) struct Slice<'a> {
    pub(super) claim: &'a mut Claim,
    pub(super) fence: Fence,
    pub(super) stream: Stream,
    pub(super) session: Session,
    /// The consent the slice reads under.
    pub(super) preview: PreviewId,
    pub(super) include_undone: bool,
    pub(super) checkpoint: Checkpoint,
    origin: BatchOrigin,
    /// Whether the person has let many deletions at once happen.
    pub(super) deletions_allowed: bool,
    snapshot: Snapshot,
    filter: Filter,
    deadline: Instant,
    items_left: usize,
}

/// What a part of a slice came to.
enum Flow {
    /// Go on.
    On,
    /// The slice ends here.
    End(Verdict),
}

/// Runs one slice.
pub(super) async fn slice(app: &App, user: UserId, claim: &mut Claim) -> Result<Verdict> {
    let Some(mut slice) = load(app, user, claim).await? else { return Ok(Verdict::Done) };
    loop {
        let flow = match slice.checkpoint.phase {
            Phase::Begin => slice.begin(app).await?,
            Phase::Listing => slice.list(app).await?,
            Phase::Changes => slice.changes(app).await?,
            Phase::Unfetched => slice.look_after(app, Leftover::Unfetched).await?,
            Phase::Unmet => slice.look_after(app, Leftover::Unmet).await?,
            Phase::Fetching => slice.fetch(app).await?,
        };
        match flow {
            Flow::End(verdict) => return Ok(verdict),
            Flow::On if Instant::now() > slice.deadline || slice.items_left == 0 => return Ok(Verdict::Continue),
            Flow::On => {}
        }
    }
}

/// Gathers what a slice needs; `None` when there is nothing to read any more.
async fn load<'a>(app: &App, user: UserId, claim: &'a mut Claim) -> Result<Option<Slice<'a>>> {
    let Some(stream_id) = claim.stream_id else { return Ok(None) };
    let mut tx = app.db.begin(user).await?;
    let (batch, stream) = (Batch::find(&mut tx, claim.batch_id).await?, Stream::find(&mut tx, stream_id).await?);
    let (Some(batch), Some(stream)) = (batch, stream) else { return Ok(None) };
    // An approved run reads under what was approved; a later one under the consent in force.
    let preview = match batch.origin {
        BatchOrigin::Approve => Some(batch.preview_id),
        BatchOrigin::Sync | BatchOrigin::Audit => stream.preview_id,
    };
    let Some(preview) = preview.filter(|_| batch.state == BatchState::Running) else { return Ok(None) };
    let row = Preview::find(&mut tx, preview).await?.ok_or_else(|| anyhow::anyhow!("a consent without a preview"))?;
    let approved = Batch::find_by_preview(&mut tx, preview).await?;
    tx.commit().await?;
    let narrowed: Exclusions =
        approved.map(|batch| serde_json::from_value(batch.exclusions)).transpose()?.unwrap_or_default();
    let snapshot = serde_json::from_value::<Snapshot>(row.snapshot)?.narrowed(narrowed);
    let session = Session::open(app, user, batch.account_id).await?;
    session.require(stream.service)?;
    let Some(filter) = filter(&snapshot, stream.service)? else { return Ok(None) };
    Ok(Some(Slice {
        fence: Fence { batch: batch.batch_id, generation: batch.generation },
        stream,
        session,
        preview,
        include_undone: snapshot.include_undone,
        origin: batch.origin,
        deletions_allowed: batch.deletions_allowed,
        snapshot,
        filter,
        deadline: Instant::now() + app.config.sync.slice,
        items_left: app.config.sync.slice_items,
        checkpoint: serde_json::from_value(claim.checkpoint.clone())?,
        claim,
    }))
}

fn filter(snapshot: &Snapshot, service: Service) -> Result<Option<Filter>> {
    Ok(match service {
        Service::Gmail => match &snapshot.mail {
            Some(scope) => {
                let filter = MailFilter::compile(scope, &snapshot.exclusions).map_err(anyhow::Error::from)?;
                Some(Filter::Mail(Box::new(filter)))
            }
            None => None,
        },
        Service::Calendar => {
            snapshot.calendar.as_ref().map(|scope| Filter::Calendar(scope.clone(), snapshot.exclusions.clone()))
        }
    })
}

impl Slice<'_> {
    /// Learns whose addresses are the person's own, chooses between asking for changes and listing anew, and takes the cursor that a listing starts from.
    ///
    /// Under a new consent both are needed: the cursor of the one before tells what has become of what it brought in.
    async fn begin(&mut self, app: &App) -> Result<Flow> {
        if self.stream.service == Service::Gmail
            && let Some(flow) = self.learn_addresses(app).await?
        {
            return Ok(flow);
        }
        let audit = self.origin == BatchOrigin::Audit;
        if self.stream.cursor.is_some() {
            self.checkpoint =
                Checkpoint { phase: Phase::Changes, caught_up: true, told: true, audit, ..Checkpoint::default() };
            return Ok(Flow::On);
        }
        let baseline = match self.stream.service {
            Service::Gmail => {
                let ask = app.google.baseline(&self.session.access, Service::Gmail);
                match self.session.call(app, Call::GmailProfile, ask).await? {
                    Called::Answered(baseline) => baseline,
                    Called::Held(hold) => return self.hold(hold).await,
                    Called::Refused(error) => return self.refused(app, error).await,
                }
            }
            // Its listing ends with a cursor.
            Service::Calendar => None,
        };
        let caught_up = baseline.is_none();
        self.checkpoint = Checkpoint { phase: Phase::Listing, baseline, caught_up, audit, ..Checkpoint::default() };
        Ok(Flow::On)
    }

    /// Lists one page. After the first, some of what it named is fetched before the listing goes on, so that people see the
    /// newest within seconds. Not all of it: listing costs little, and until it is done nobody can say how long the rest takes.
    async fn list(&mut self, app: &App) -> Result<Flow> {
        let call = if self.stream.service == Service::Gmail { Call::GmailList } else { Call::Calendar };
        let collection = self.stream.collection();
        let listing = match (&self.snapshot.mail, &self.snapshot.calendar) {
            (Some(scope), _) if self.stream.service == Service::Gmail => Listing::Mail(scope),
            (_, Some(scope)) => Listing::Calendar(scope, &collection),
            _ => return Ok(Flow::End(Verdict::Done)),
        };
        let ask = app.google.list(&self.session.access, listing, self.checkpoint.page.as_deref());
        let page = match self.session.call(app, call, ask).await? {
            Called::Answered(page) => page,
            Called::Held(hold) => return self.hold(hold).await,
            Called::Refused(error) => return self.refused(app, error).await,
        };
        let is_first = self.checkpoint.page.is_none();
        // Ids come without versions. Where no cursor has told of changes, what is stored may have changed, too.
        let meeting = Meeting { refetch: !self.checkpoint.told, include_undone: self.include_undone };
        let flow = self.take(app, page, meeting).await?;
        if is_first && matches!(flow, Flow::On) && self.checkpoint.phase == Phase::Listing {
            return self.fetch_pending(app, FIRST_LOOK).await;
        }
        Ok(flow)
    }

    /// Asks for one page of changes. A cursor that has died leads back to a listing; nothing that people see goes away.
    async fn changes(&mut self, app: &App) -> Result<Flow> {
        let call = if self.stream.service == Service::Gmail { Call::GmailHistory } else { Call::Calendar };
        let Some(cursor) = self.stream.cursor.clone().map(Cursor) else {
            self.checkpoint = Checkpoint::default();
            return Ok(Flow::On);
        };
        let collection = self.stream.collection();
        let page = self.checkpoint.page.clone();
        let ask = app.google.changes(&self.session.access, &collection, &cursor, page.as_deref());
        match self.session.call(app, call, ask).await? {
            Called::Held(hold) => self.hold(hold).await,
            Called::Answered(page) => {
                let include_undone = self.include_undone && !self.stream.listed;
                self.take(app, page, Meeting { refetch: true, include_undone }).await
            }
            Called::Refused(error) if error.class == Class::CursorDead => {
                self.stream.cursor = None;
                self.checkpoint = Checkpoint::default();
                let write = store::Page { forget_cursor: true, ..store::Page::default() };
                Ok(kept(store::store(app, self, write, Vec::new()).await?))
            }
            Called::Refused(error) => self.refused(app, error).await,
        }
    }

    /// Takes a page into the ledger and moves on, in one transaction.
    async fn take(&mut self, app: &App, page: Page, listing: Meeting) -> Result<Flow> {
        let n = page.entries.len();
        let (mut ids, mut arrived) = (Vec::new(), Vec::new());
        for entry in page.entries {
            match entry {
                Entry::Id(id) => ids.push(id),
                Entry::Payload(payload) => arrived.push(Arrived::Item(payload)),
                Entry::Gone { source_id, version, record } => {
                    arrived.push(Arrived::Gone { source_id, version: Some(version), record });
                }
            }
        }
        let prepared = self.prepare(arrived).await?;
        let first_ordinal = self.checkpoint.ordinal;
        let is_listing = self.checkpoint.phase == Phase::Listing;
        let mut write = store::Page { ids, first_ordinal, listing, is_listing, ..store::Page::default() };
        self.checkpoint.ordinal += i64::try_from(n).unwrap_or(0);
        match page.next {
            Next::Page(next) => self.checkpoint.page = Some(next),
            Next::End(cursor) => {
                write.cursor = cursor.or_else(|| self.checkpoint.baseline.take());
                self.stream.cursor = write.cursor.as_ref().map(|cursor| cursor.0.clone());
                write.last = self.turn(write.cursor.clone());
            }
        }
        let stored = store::store(app, self, write, prepared).await?;
        self.items_left = self.items_left.saturating_sub(if self.stream.service == Service::Calendar { n } else { 0 });
        Ok(kept(stored))
    }

    /// Turns to what follows the last page; says whether everything inside the consent has been listed.
    fn turn(&mut self, cursor: Option<Cursor>) -> bool {
        let checkpoint = &mut self.checkpoint;
        checkpoint.page = None;
        let is_listed = checkpoint.phase == Phase::Listing || (self.stream.listed && !checkpoint.audit);
        if is_listed {
            checkpoint.phase = Phase::Unfetched;
        } else {
            // A mailbox's changes go on from where these ended; a calendar's listing brings a cursor of its own.
            checkpoint.baseline = cursor.filter(|_| self.stream.service == Service::Gmail);
            checkpoint.caught_up = checkpoint.baseline.is_none();
            checkpoint.phase = Phase::Listing;
        }
        is_listed
    }

    /// Takes up what an earlier batch has left, in one transaction.
    async fn look_after(&mut self, app: &App, which: Leftover) -> Result<Flow> {
        let write = store::Page { leftover: Some(which), ..store::Page::default() };
        Ok(kept(store::store(app, self, write, Vec::new()).await?))
    }

    /// Turns to what follows leftovers of a kind once there are no more.
    pub(super) fn looked_after(&mut self, which: Leftover, no_more: bool) {
        if no_more {
            // An audit believes no cursor.
            let is_asked = self.checkpoint.audit || !self.checkpoint.told;
            let is_unmet_next = which == Leftover::Unfetched && is_asked;
            self.checkpoint.phase = if is_unmet_next { Phase::Unmet } else { Phase::Fetching };
        }
    }

    async fn prepare(&self, arrived: Vec<Arrived>) -> Result<Vec<store::Prepared>> {
        if arrived.is_empty() {
            return Ok(Vec::new());
        }
        let (vault, filter, stream) = (self.session.vault.clone(), self.filter.clone(), self.stream.stream_id);
        tokio::task::spawn_blocking(move || store::prepare(&vault, &filter, stream, arrived)).await?
    }

    /// Fetches what is pending; when nothing is, catches up on changes once, and ends.
    async fn fetch(&mut self, app: &App) -> Result<Flow> {
        let flow = self.fetch_pending(app, usize::MAX).await?;
        let Flow::On = flow else { return Ok(flow) };
        if self.items_left == 0 || Instant::now() > self.deadline {
            return Ok(Flow::On);
        }
        if !self.checkpoint.caught_up {
            self.checkpoint =
                Checkpoint { phase: Phase::Changes, caught_up: true, told: true, ..Checkpoint::default() };
            return Ok(Flow::On);
        }
        let mut tx = app.db.begin(self.session.user).await?;
        streams::mark_complete(&mut tx, self.stream.stream_id).await?;
        tx.commit().await?;
        Ok(Flow::End(Verdict::Done))
    }

    /// Waits a short time here, a long one away from the worker.
    async fn hold(&mut self, hold: Hold) -> Result<Flow> {
        const HERE: Duration = Duration::from_secs(5);
        if hold.left() <= HERE && hold.until < self.deadline {
            tokio::time::sleep_until(hold.until).await;
            return Ok(Flow::On);
        }
        Ok(Flow::End(Verdict::RetryAfter { delay: hold.left(), class: hold.class, counts: false }))
    }

    /// What a provider's refusal means for the slice.
    async fn refused(&mut self, app: &App, error: providers::Error) -> Result<Flow> {
        tracing::info!(job.id = %self.claim.job_id, class = error.class.as_str(), error = %error, "the provider refused");
        let delay = backoff(self.claim.attempt, rand::random());
        let class = error.class.as_str();
        Ok(Flow::End(match error.class {
            Class::Throttled(until) => {
                let now = app.clock.now();
                let until = until.unwrap_or(now + TimeDelta::seconds(30));
                self.session.throttle(app, self.stream.service, until).await?;
                let delay = (until - now).to_std().unwrap_or(Duration::from_secs(1));
                Verdict::RetryAfter { delay, class, counts: false }
            }
            Class::Unauthorized => {
                self.session = self.session.clone().refresh(app).await?;
                Verdict::RetryAfter { delay: Duration::ZERO, class, counts: true }
            }
            Class::NeedsReauth => {
                let reason = "The link has expired or was taken back at the provider. Connect the account again.";
                self.session.mark(app, AccountState::NeedsReauth, reason).await?;
                Verdict::GiveUp { class, reason: reason.to_owned() }
            }
            Class::NeedsScope => {
                let reason = format!(
                    "Access to {} is missing. Connect the account again and leave it ticked.",
                    self.stream.service
                );
                self.session.mark(app, AccountState::NeedsScope, &reason).await?;
                Verdict::GiveUp { class, reason }
            }
            Class::Blocked => Verdict::GiveUp {
                class,
                reason: "The provider or an administrator does not allow this account to be read.".to_owned(),
            },
            Class::Misconfigured => {
                tracing::error!(error = %error, "the OAuth client or project is set up wrongly");
                Verdict::GiveUp {
                    class,
                    reason: "This service is set up wrongly at the provider. Tell its operator.".to_owned(),
                }
            }
            // A page token can die of age; the listing then begins again, and what it had named is in the ledger.
            Class::Permanent if self.checkpoint.page.take().is_some() => {
                self.checkpoint = Checkpoint::default();
                let write = store::Page { forget_cursor: self.stream.cursor.is_none(), ..store::Page::default() };
                store::store(app, self, write, Vec::new()).await?;
                Verdict::RetryAfter { delay, class: "page_lost", counts: true }
            }
            Class::Permanent => {
                Verdict::GiveUp { class, reason: "The provider refused the request for good.".to_owned() }
            }
            Class::Transient | Class::CursorDead | Class::ItemGone => {
                if self.claim.attempt < app.config.sync.max_attempts {
                    Verdict::RetryAfter { delay, class, counts: true }
                } else {
                    let reason =
                        "The provider did not answer properly, several times in a row. Sync again later.".to_owned();
                    Verdict::GiveUp { class, reason }
                }
            }
        }))
    }
}

fn kept(stored: Stored) -> Flow {
    match stored {
        Stored::Kept => Flow::On,
        // Whoever holds the batch or the job now decides what becomes of it; letting go changes nothing.
        Stored::Fenced => Flow::End(Verdict::Done),
    }
}
