//! `timelineChanges`: what leads a copy of the timeline from where it was to where the timeline is.

use std::time::Duration;

use async_graphql::{Context, ID, Result, SimpleObject};
use tokio::time::Instant;

use super::Pace;
use crate::{
    app::App,
    db::interactions::TimelineFilter as RowFilter,
    domain::ids::UserId,
    graphql::{
        at_hand::AllAtHand,
        code::Code,
        company::Company,
        error::refused,
        id::{self, Kind},
        objects::interaction::Interaction,
        page::MOST,
        timeline::{self, TimelineFilter},
    },
    sync::changes::{self, Cursor, Step},
};

/// Looked at this often without a hint.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// At most ten messages a second go out to a copy that is up to date.
pub(super) const PAUSE: Duration = Duration::from_millis(100);
/// At most fifty a second to one that is behind, so that whoever asks for small messages does not take up the server with them.
const PAUSE_BEHIND: Duration = Duration::from_millis(20);
/// How often a subscription says that it still follows.
const FOLLOW_AGAIN: Duration = Duration::from_secs(24 * 3_600);

/// What leads a copy of the timeline to a later place. Each interaction is in one of the three lists at most, as it stands at that place:
/// what changed several times meanwhile is told once.
#[derive(SimpleObject)]
pub(super) struct TimelineChange {
    /// The place to which this leads. Keep it with the copy, and give the last one as `after` when you subscribe again.
    cursor: String,
    /// Whether what has changed since the place of the copy is not known: it is too old, or was of another filter, or the contact that
    /// the filter names has got or lost an address. Then the three lists are empty: read `timeline` anew after this message, and go on
    /// with the messages that follow.
    reset: bool,
    /// What is new on the timeline.
    added: AllAtHand<Interaction>,
    /// What is not as it was. Also what was there before and has come back, and what the filter shows now and did not: put it into the
    /// copy where it is missing.
    changed: AllAtHand<Interaction>,
    /// The ids of what is not on the timeline any more, or not shown by the filter; undone, deleted at the provider, or replaced by a copy
    /// that has come in another way. Some of them the copy may never have held.
    removed: Vec<ID>,
}

impl From<Step> for TimelineChange {
    fn from(step: Step) -> Self {
        let company = Company::of(step.added.iter().chain(&step.changed));
        let interactions =
            |rows: Vec<_>| AllAtHand(rows.into_iter().map(|row| Interaction::among(row, &company)).collect());
        Self {
            cursor: timeline::changes_cursor(step.cursor),
            reset: step.is_reset,
            added: interactions(step.added),
            changed: interactions(step.changed),
            removed: step.removed.into_iter().map(|id| id::encode(Kind::Interaction, id.0)).collect(),
        }
    }
}

/// A subscription, and how far its copy has come.
pub(super) struct Follow {
    app: App,
    user: UserId,
    filter: RowFilter,
    limit: i64,
    pace: Pace,
    after: Option<Cursor>,
    /// When it last said that somebody follows.
    followed_at: Instant,
    /// Whether anything was sent: the first message comes at once, so that a client knows its place.
    has_begun: bool,
    /// Whether more has changed than the last message held.
    is_behind: bool,
}

impl Follow {
    /// # Errors
    /// When an argument is out of bounds, or names what does not exist.
    pub(super) async fn new(
        ctx: &Context<'_>,
        app: App,
        user: UserId,
        filter: TimelineFilter,
        after: Option<String>,
        first: i32,
        pace: Pace,
    ) -> Result<Self> {
        if !(1..=MOST).contains(&first) {
            return Err(Code::BadUserInput.field_error(format!("A message has 1 to {MOST} interactions.")));
        }
        let after = after.as_deref().map(timeline::changes_place).transpose()?;
        let filter = timeline::existing(ctx, filter).await?;
        changes::follow(&app, user).await.map_err(|error| refused(ctx, error))?;
        Ok(Self {
            app,
            user,
            filter,
            limit: first.into(),
            pace,
            after,
            followed_at: Instant::now(),
            has_begun: false,
            is_behind: false,
        })
    }

    /// Its changes are noted for some days more. Where that fails, it is tried again, and changes are noted as they were.
    async fn follow_again(&mut self) {
        match changes::follow(&self.app, self.user).await {
            Ok(()) => self.followed_at = Instant::now(),
            Err(error) => tracing::warn!(user.id = %self.user, error = ?error, "could not go on following a timeline"),
        }
    }

    pub(super) async fn next(mut self) -> Option<(Result<TimelineChange>, Self)> {
        loop {
            if self.is_behind {
                tokio::time::sleep(PAUSE_BEHIND).await;
            } else {
                self.pace.wait().await;
            }
            self.is_behind = false;
            if self.followed_at.elapsed() > FOLLOW_AGAIN {
                Box::pin(self.follow_again()).await;
            }
            match Box::pin(changes::since(&self.app, self.user, &self.filter, self.after, self.limit)).await {
                Ok(step) => {
                    self.is_behind = step.has_more;
                    self.after = Some(step.cursor);
                    if !step.is_empty() || !self.has_begun {
                        self.has_begun = true;
                        return Some((Ok(step.into()), self));
                    }
                }
                // The database may be back at the next beat; the copy stays where it is.
                Err(error) => tracing::warn!(user.id = %self.user, error = ?error, "could not look at a timeline"),
            }
        }
    }
}
