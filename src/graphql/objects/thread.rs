//! Conversations and series.

use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{account::Account, batch::int, contact::Contact};
use crate::{
    db::{interactions::TimelineFilter, threads::ThreadKey},
    graphql::{
        id,
        page::Window,
        talks::Talks,
        timeline::{self, TimelineConnection},
    },
};

/// A conversation or a series, among those of the same page.
#[derive(Clone)]
pub(crate) struct Thread(ThreadKey, Talks);

impl Thread {
    /// One of a page.
    pub(crate) fn among(key: ThreadKey, talks: &Talks) -> Self {
        Self(key, talks.clone())
    }
}

/// Someone who took part in a thread.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct ThreadParticipant {
    /// The mailbox: lower case, without what follows a plus, at Gmail without dots.
    address: String,
    /// What the newest interaction calls them that says something of them; `null` where none gives a name.
    name: Option<String>,
    #[graphql(skip)]
    talks: Talks,
}

#[ComplexObject]
impl ThreadParticipant {
    /// Whom the person knows under this address; `null` where that is no contact.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<Contact>> {
        self.talks.contact(ctx, &self.address).await
    }
}

/// What the provider holds together in one account: the mails of a conversation, or the occurrences of a series of meetings. There
/// is one as long as something of it is on the timeline.
#[Object]
impl Thread {
    /// The thread's id. It stays the same whatever comes in.
    pub async fn id(&self) -> ID {
        id::encode_thread(&self.0)
    }

    /// The account it is in; `null` when that is no longer there.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        self.1.account(ctx, self.0.0).await
    }

    /// The provider's id of the conversation or series.
    async fn source_id(&self) -> &str {
        &self.0.1
    }

    /// The subject or title of the newest interaction; `null` when nothing of the thread is left.
    async fn subject(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.1.thread(ctx, &self.0).await?.map(|thread| thread.subject.as_str()))
    }

    /// How many interactions of it are on the timeline.
    async fn n_interactions(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(self.1.thread(ctx, &self.0).await?.map_or(0, |thread| int(thread.n_interactions)))
    }

    /// When the first of them occurred; `null` when nothing of it is left.
    async fn first_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.1.thread(ctx, &self.0).await?.map(|thread| thread.first_at))
    }

    /// When the last of them occurred, or will; `null` when nothing of it is left.
    async fn last_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.1.thread(ctx, &self.0).await?.map(|thread| thread.last_at))
    }

    /// Who took part in the newest 500 of them beside the person, the last one first; at most 100.
    #[graphql(complexity = "10 * child_complexity")]
    async fn participants(&self, ctx: &Context<'_>) -> Result<Vec<ThreadParticipant>> {
        let faces = self.1.faces(ctx, &self.0).await?.iter();
        let participant = |face: &crate::db::threads::Face| ThreadParticipant {
            address: face.address.clone(),
            name: face.name.clone(),
            talks: self.1.clone(),
        };
        Ok(faces.map(participant).collect())
    }

    /// Its interactions, newest first. It is what `timeline` gives with `threadId`, and counts as 50 fields more: ask for it of few
    /// threads at a time.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 50")]
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the newest end, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor, towards older rows.")] after: Option<String>,
        #[graphql(desc = "Rows from the oldest end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<TimelineConnection> {
        let (account, thread) = self.0.clone();
        let filter = TimelineFilter { account: Some(account), thread: Some(thread), ..TimelineFilter::default() };
        timeline::page(ctx, &Window::new(first, after, last, before)?, &filter, timeline::wants_changes(ctx)).await
    }
}
