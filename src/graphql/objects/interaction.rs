//! Rows of the timeline.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};

use super::{
    account::Account,
    words::{Direction, InteractionKind, Role, Service},
};
use crate::{
    db::interactions::Interaction as Row,
    domain::normalize::{Attachment as AttachmentFact, Participant as ParticipantFact},
    graphql::{
        error::viewer,
        id::{self, Kind},
        loaders::AccountLoader,
    },
};

/// A mail or a meeting on the timeline.
pub(crate) struct Interaction(pub Row);

/// One person's part in an interaction.
#[derive(SimpleObject)]
pub(crate) struct Participant {
    /// What they had to do with it.
    role: Role,
    /// Their address, lower case; empty where the source names none.
    address: String,
    /// Their display name; `null` where the source gives none.
    name: Option<String>,
    /// Their answer to an invitation: `needsAction`, `declined`, `tentative` or `accepted`; `null` for mail.
    response: Option<String>,
    /// Whether this is the account's owner.
    is_self: bool,
}

impl From<ParticipantFact> for Participant {
    fn from(fact: ParticipantFact) -> Self {
        let ParticipantFact { role, address, name, response, is_self } = fact;
        Self { role: role.into(), address, name, response, is_self }
    }
}

/// A file that came with an interaction. Only what it is called, what it is and how large it is are shown.
#[derive(SimpleObject)]
pub(crate) struct Attachment {
    /// Its file name; empty when it has none. The sender chose it: do not use it as a path.
    name: String,
    /// Its media type, as the sender claims.
    media_type: String,
    /// Its size in bytes.
    size_bytes: i32,
    /// Whether it is part of the text, such as an image, rather than a file beside it.
    inline: bool,
}

impl From<AttachmentFact> for Attachment {
    fn from(fact: AttachmentFact) -> Self {
        let AttachmentFact { name, media_type, size_bytes, inline } = fact;
        Self { name, media_type, size_bytes: i32::try_from(size_bytes).unwrap_or(i32::MAX), inline }
    }
}

/// The days of an all-day meeting. Dates without a time zone: show them as they are.
#[derive(SimpleObject)]
pub(crate) struct AllDay {
    /// The first day.
    first: NaiveDate,
    /// The last day, inclusive.
    last: NaiveDate,
}

/// A mail or a meeting on the timeline.
#[Object]
impl Interaction {
    /// The interaction's id. It stays the same when the mail or meeting changes.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Interaction, self.0.interaction_id.0)
    }

    /// Mail or meeting.
    async fn kind(&self) -> InteractionKind {
        self.0.kind.into()
    }

    /// The service it comes from.
    async fn service(&self) -> Service {
        self.0.service.into()
    }

    /// The account it came through; `null` when it is no longer there.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        AccountLoader::one(ctx, viewer(ctx)?, self.0.account_id).await
    }

    /// The id of the batch that brought the version shown.
    async fn batch_id(&self) -> ID {
        id::encode(Kind::Batch, self.0.batch_id.0)
    }

    /// Which way it went; `null` when the source does not say.
    async fn direction(&self) -> Option<Direction> {
        self.0.direction.map(Into::into)
    }

    /// Subject or title, one line; may be empty. Plain text: escape it before you put it into HTML.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The first words of the text, one line, at most 200 characters. Plain text.
    async fn snippet(&self) -> &str {
        &self.0.snippet
    }

    /// The readable text, at most 1 MiB. Plain text.
    async fn body_text(&self) -> &str {
        &self.0.body_text
    }

    /// When a mail arrived at the provider, when a meeting starts. For an all-day meeting only good to sort by: show
    /// `allDay`.
    async fn occurred_at(&self) -> DateTime<Utc> {
        self.0.occurred_at
    }

    /// When a meeting ends; `null` for mail.
    async fn ends_at(&self) -> Option<DateTime<Utc>> {
        self.0.ends_at
    }

    /// The days of an all-day meeting; `null` for everything else.
    async fn all_day(&self) -> Option<AllDay> {
        let (first, last) = self.0.all_day_from.zip(self.0.all_day_to)?;
        Some(AllDay { first, last })
    }

    /// The provider's id of the conversation, or of the series a meeting belongs to; `null` when there is none. Use it in
    /// `TimelineFilter.thread`.
    async fn thread(&self) -> Option<&str> {
        self.0.thread.as_deref()
    }

    /// A mail's Message-ID, a meeting's iCalUID: the same in every copy; `null` when the source gives none.
    async fn universal_id(&self) -> Option<&str> {
        self.0.universal_id.as_deref()
    }

    /// The provider's id of the mail, or of the meeting or its series.
    async fn source_id(&self) -> &str {
        &self.0.group_key
    }

    /// Where a meeting takes place; `null` for mail, and when the meeting does not say.
    async fn location(&self) -> Option<&str> {
        self.0.location.as_deref()
    }

    /// A meeting's status: `confirmed` or `tentative`; `null` for mail.
    async fn status(&self) -> Option<&str> {
        self.0.status.as_deref()
    }

    /// Who took part.
    async fn participants(&self) -> Vec<Participant> {
        let facts: Vec<ParticipantFact> = serde_json::from_value(self.0.participants.clone()).unwrap_or_default();
        facts.into_iter().map(Into::into).collect()
    }

    /// The ids of the labels on a mail; empty for meetings.
    async fn labels(&self) -> &[String] {
        &self.0.labels
    }

    /// Since when the provider no longer has it, as far as we were told; `null` while it does. Only under the deletion policy
    /// `KEEP` does anything stay that was deleted.
    async fn deleted_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }

    /// Files that came with it.
    async fn attachments(&self) -> Vec<Attachment> {
        let facts: Vec<AttachmentFact> = serde_json::from_value(self.0.attachments.clone()).unwrap_or_default();
        facts.into_iter().map(Into::into).collect()
    }
}
