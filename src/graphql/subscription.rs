//! Subscriptions: state as it changes.
//!
//! A hint in Redis only says «look»; what is sent is read from the database. So a hint that is lost costs a moment, never a state: it is
//! also looked at on a slow beat. A subscription is looked after only as fast as its client reads, and holds no more than one message.

mod accounts;
mod progress;
mod timeline;

use std::time::Duration;

use async_graphql::{Context, ID, Result, Subscription};
use futures::{Stream, StreamExt, stream};
use tokio::time::Instant;

pub(super) use self::progress::Lookouts;
use self::timeline::TimelineChange;
use super::{
    code::Code,
    error::{app, failed, viewer},
    id::{self, Kind},
    objects::account::Account,
    timeline::TimelineFilter,
};
use crate::{app::App, broker::Topic, domain::ids::BatchId};

/// The root of subscriptions.
pub struct Subscription;

/// The root of subscriptions.
#[Subscription]
impl Subscription {
    /// A batch as it stands now, then after every change (at most ten a second), and completes when the batch has ended.
    async fn batch_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The batch to watch.")] batch_id: ID,
        #[graphql(desc = "The last `seq` you saw: states up to it are left out. For a client that comes back.")] after: Option<i32>,
    ) -> Result<impl Stream<Item = Result<progress::Told>> + use<>> {
        let missing = || Code::NotFound.field_error("There is no batch with this id.");
        let batch = id::decode_as(Kind::Batch, &batch_id).map(BatchId).ok_or_else(missing)?;
        // On the heap, as whatever a subscription does now and then: it waits for most of its life, with room for all that it may do.
        let watch =
            Box::pin(progress::Watch::begin(ctx.data::<Lookouts>()?, app(ctx)?, (viewer(ctx)?, batch), after)).await;
        let watch = watch.map_err(|error| failed(ctx, error))?.ok_or_else(missing)?;
        Ok(stream::unfold(watch, progress::Watch::next))
    }

    /// What changes on the timeline, for a client that keeps a copy of it: first what has changed since the place of the copy, then
    /// what changes, as it happens (at most ten messages a second once the copy is up to date). Nothing is left out and nothing is told
    /// twice, whichever server answers, and whatever was lost on the way. It does not end by itself.
    ///
    /// To begin, ask `timeline` for its pages and for `changesCursor`, and give that of the first page as `after`, with the same
    /// filter. A copy is up to date again once `added` and `changed` are put into it and `removed` is taken out. Keep the newest
    /// `cursor` beside it, and give that when you come back. What changed more than seven days ago is not known any more: then
    /// `reset` says so.
    #[graphql(complexity = "first.clamp(1, 100) as usize * child_complexity + 1")]
    async fn timeline_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "The place of the copy: `TimelineChange.cursor`, or `InteractionConnection.changesCursor`. From now on when left out."
        )]
        after: Option<String>,
        #[graphql(desc = "Which rows the copy holds; all when left out. A cursor belongs to its filter.")]
        filter: Option<TimelineFilter>,
        #[graphql(default = 25, desc = "Interactions of one message at most, 1 to 100.")] first: i32,
    ) -> Result<impl Stream<Item = Result<TimelineChange>> + use<>> {
        let (app, user) = (app(ctx)?.clone(), viewer(ctx)?);
        let pace = Pace::of(&app, Topic::timeline(user), timeline::PAUSE, timeline::BEAT);
        let follow =
            Box::pin(timeline::Follow::new(ctx, app, user, filter.unwrap_or_default(), after, first, pace)).await?;
        Ok(stream::unfold(follow, timeline::Follow::next))
    }

    /// Each of the viewer's accounts as it stands now, then each one whose state, shortcomings, streams, grants or policy have changed.
    /// It does not end by itself. What an account asks of the provider, and its breakers, are no reason to send it.
    #[graphql(complexity = "child_complexity + 5")]
    async fn account_status(&self, ctx: &Context<'_>) -> Result<impl Stream<Item = Result<Account>> + use<>> {
        let (app, user) = (app(ctx)?.clone(), viewer(ctx)?);
        let pace = Pace::of(&app, Topic::accounts(user), accounts::PAUSE, accounts::BEAT);
        Ok(stream::unfold(accounts::Watch::new(app, user, pace), accounts::Watch::next))
    }
}

/// When to look again: when somebody hints at a change, or on a slow beat; one look for each pause, and the next not much sooner after one
/// that came late. The first look is at once.
struct Pace {
    hints: stream::BoxStream<'static, ()>,
    pause: Duration,
    beat: Duration,
    last: Option<Instant>,
}

impl Pace {
    /// Hints are collected from now on: look after this, and what changes meanwhile is hinted at.
    fn of(app: &App, topic: impl Into<Topic>, pause: Duration, beat: Duration) -> Self {
        Self { hints: app.broker.watch(topic).boxed(), pause, beat, last: None }
    }

    async fn wait(&mut self) {
        let Some(last) = self.last else {
            self.last = Some(Instant::now());
            return;
        };
        let due = last + self.pause;
        tokio::time::sleep_until(due).await;
        if tokio::time::timeout_at(last + self.beat, self.hints.next()).await == Ok(None) {
            tokio::time::sleep_until(last + self.beat).await;
        }
        // Were a look's time that of the timer which let it happen, each would be a little later than the one before, and a change
        // that comes once a pause would wait for half of one on average.
        self.last = Some(due.max(Instant::now() - self.pause / 2));
    }
}
