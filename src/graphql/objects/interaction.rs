//! Rows of the timeline.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    account::Account,
    contact::Contact,
    thread::Thread,
    words::{
        Direction, EventType, EventVisibility, InteractionKind, InteractionNote, InvitationMethod, InvitationResponse,
        MailCategory, MailProtection, MeetingStatus, RemoteImages, Role, Service,
    },
};
use crate::{
    db::{
        copies::{Link, Source as SourceRow},
        interactions::{Interaction as Row, Keyset, Texts},
    },
    domain::{
        ids::InteractionId,
        normalize::{
            Attachment as AttachmentFact, Invitation as InvitationFact, Language, MeetingFacts as MeetingFact,
            Participant as ParticipantFact, Sanitized,
        },
    },
    graphql::{
        at_hand::AllAtHand,
        company::Company,
        error::{app, refused, viewer},
        id::{self, Kind},
        scalars::Date,
    },
    sync::content,
};

/// A mail or a meeting on the timeline, with all who took part in those of the same page.
#[derive(Clone)]
pub(crate) struct Interaction(Arc<Row>, Company);

impl Interaction {
    /// The interactions of a page.
    pub(crate) fn of_page(rows: Vec<Row>) -> Vec<Self> {
        let company = Company::of(&rows);
        rows.into_iter().map(|row| Self::among(row, &company)).collect()
    }

    /// Its place on the timeline.
    pub(crate) fn place(&self) -> Keyset {
        (self.0.occurred_at, self.0.interaction_id.0)
    }

    /// One of a page.
    pub(crate) fn among(row: Row, company: &Company) -> Self {
        Self(Arc::new(row), company.clone())
    }
}

/// One person's part in an interaction.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct Participant {
    /// What they had to do with it.
    role: Role,
    /// Their address, lower case; empty where the source names none.
    address: String,
    /// Their display name; `null` where the source gives none.
    name: Option<String>,
    /// Their answer to an invitation; `null` for mail, and where the calendar does not say.
    response: Option<InvitationResponse>,
    /// Whether this is the account's owner.
    is_self: bool,
    #[graphql(skip)]
    company: Company,
}

#[ComplexObject]
impl Participant {
    /// Whom the person knows under this address; `null` where that is no contact, and for the person.
    async fn contact(&self, ctx: &Context<'_>) -> Result<Option<Contact>> {
        if self.is_self || self.address.is_empty() {
            return Ok(None);
        }
        self.company.contact(ctx, &self.address).await
    }
}

impl Participant {
    fn of(fact: ParticipantFact, company: &Company) -> Self {
        let ParticipantFact { role, address, name, response, is_self } = fact;
        let response = response.as_deref().and_then(InvitationResponse::from_word);
        Self { role: role.into(), address, name, response, is_self, company: company.clone() }
    }
}

/// A file that came with an interaction.
pub(crate) struct Attachment {
    interaction: InteractionId,
    fact: AttachmentFact,
}

/// A file that came with an interaction. Its content is not kept apart from the mail; `url` fetches it.
#[Object]
impl Attachment {
    /// The attachment's id.
    async fn id(&self) -> ID {
        id::encode_part(self.interaction.0, self.fact.part)
    }

    /// Its file name; empty when it has none. The sender chose it: do not use it as a path.
    async fn name(&self) -> &str {
        &self.fact.name
    }

    /// Its media type, as the sender claims.
    async fn media_type(&self) -> &str {
        &self.fact.media_type
    }

    /// Its size in bytes.
    async fn size_bytes(&self) -> i32 {
        i32::try_from(self.fact.size_bytes).unwrap_or(i32::MAX)
    }

    /// Whether it is part of the text, such as an image, rather than a file beside it.
    async fn inline(&self) -> bool {
        self.fact.inline
    }

    /// The name by which the mail's HTML refers to it, as in `cid:<contentId>`; `null` when it has none.
    async fn content_id(&self) -> Option<&str> {
        self.fact.content_id.as_deref()
    }

    /// An address from which it can be downloaded for 15 minutes, by whoever has the address and without a token: ask for it when
    /// it is needed, and do not keep it. The download is the sender's bytes, unchecked.
    async fn url(&self, ctx: &Context<'_>) -> Result<String> {
        let link = content::link(app(ctx)?, viewer(ctx)?, self.interaction, self.fact.part);
        Ok(link.map_err(|error| refused(ctx, error))?.into())
    }
}

/// The HTML of a mail, made harmless: without scripts, forms, trackers and anything that is loaded from elsewhere.
#[derive(SimpleObject)]
pub(crate) struct SanitizedHtml {
    /// A fragment to put into an element of its own. Links open elsewhere. Images are those that came with the mail, as `cid:`
    /// addresses, which browsers do not load (put the attachment with that `contentId` there), and those that are proxied.
    html: String,
    /// How many images would have been loaded from elsewhere, those that only count readers included.
    remote_images: i32,
    /// How many of `remoteImages` are in `html`, under addresses of this server that are good for 15 minutes; all others have been
    /// taken out. `null` where this server does not proxy images.
    proxied_images: Option<i32>,
    /// Whether it is only the beginning, because the mail is too large.
    truncated: bool,
}

impl SanitizedHtml {
    fn new(found: Sanitized, can_proxy: bool) -> Self {
        let count = |n: u32| i32::try_from(n).unwrap_or(i32::MAX);
        let proxied_images = can_proxy.then(|| count(found.n_proxied_images));
        Self { html: found.html, remote_images: count(found.n_remote_images), proxied_images, truncated: found.is_cut }
    }
}

/// The meeting that a mail is about.
pub(crate) struct Invitation(InvitationFact, Company);

/// The meeting that a mail is about.
#[Object]
impl Invitation {
    /// What the mail does to it.
    async fn method(&self) -> InvitationMethod {
        self.0.method.into()
    }

    /// The meeting's iCalUID: the `universalId` of its interaction.
    async fn uid(&self) -> &str {
        &self.0.uid
    }

    /// The meeting itself, of a series the first occurrence there is; `null` while it has not come in.
    async fn meeting(&self, ctx: &Context<'_>) -> Result<Option<Interaction>> {
        Ok(self.1.linked(ctx, Link::Meeting, &self.0.uid).await?.into_iter().next())
    }
}

/// A way by which an interaction has come in.
pub(crate) struct InteractionSource(SourceRow, Company);

/// A way by which an interaction has come in.
#[Object]
impl InteractionSource {
    /// The account it came through; `null` when it is no longer there.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        self.1.account(ctx, self.0.account_id).await
    }

    /// The service it comes from.
    async fn service(&self) -> Service {
        self.0.service.into()
    }

    /// The id of the batch that brought the version shown.
    async fn batch_id(&self) -> ID {
        id::encode(Kind::Batch, self.0.batch_id.0)
    }

    /// The provider's id of the mail, or of the meeting or its series, in that account.
    async fn source_id(&self) -> &str {
        &self.0.source_id
    }

    /// The id of the interaction as it came this way. Ask `node` for what differs there.
    async fn interaction_id(&self) -> ID {
        id::encode(Kind::Interaction, self.0.interaction_id.0)
    }

    /// The ids of the labels on a mail there; empty for meetings.
    async fn labels(&self) -> &[String] {
        &self.0.labels
    }
}

/// What a calendar says of a meeting beside its title, times and people.
#[derive(SimpleObject)]
#[graphql(complex)]
pub(crate) struct MeetingFacts {
    #[graphql(skip)]
    universal_id: Option<String>,
    #[graphql(skip)]
    company: Company,
    /// What kind of event it is.
    event_type: EventType,
    /// Who may see it in its calendar.
    visibility: EventVisibility,
    /// Whether its owner counts as free meanwhile.
    free: bool,
    /// Whether nothing but its times is known, as in a calendar that shows only when its owner is busy.
    times_only: bool,
    /// Where to join it, an `http` or `https` address; `null` when it names none. Whoever invited chose it.
    conference_url: Option<String>,
}

impl MeetingFacts {
    fn of(fact: MeetingFact, universal_id: Option<String>, company: &Company) -> Self {
        Self {
            universal_id,
            company: company.clone(),
            event_type: fact.event_type.into(),
            visibility: fact.visibility.into(),
            free: fact.is_free,
            times_only: fact.is_time_only,
            conference_url: fact.conference_url,
        }
    }
}

#[ComplexObject]
impl MeetingFacts {
    /// The newest ten mails that invite to it, answer or cancel it, of a series those about any occurrence; empty when none has come
    /// in.
    #[graphql(complexity = "10 * child_complexity")]
    async fn invitations(&self, ctx: &Context<'_>) -> Result<Vec<Interaction>> {
        let Some(name) = &self.universal_id else { return Ok(Vec::new()) };
        self.company.linked(ctx, Link::MailsAbout, name).await
    }
}

/// The days of an all-day meeting. Dates without a time zone: show them as they are.
#[derive(SimpleObject)]
pub(crate) struct AllDay {
    /// The first day.
    first: Date,
    /// The last day, inclusive.
    last: Date,
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
        self.1.account(ctx, self.0.account_id).await
    }

    /// The id of the batch that brought the version shown.
    async fn batch_id(&self) -> ID {
        id::encode(Kind::Batch, self.0.batch_id.0)
    }

    /// Every way by which it has come in: a mail that reached two accounts, or a meeting in two calendars, is on the timeline once.
    /// The first is what stands for all.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<InteractionSource>> {
        let found = self.1.sources(ctx, self.0.interaction_id).await?;
        Ok(found.into_iter().map(|source| InteractionSource(source, self.1.clone())).collect())
    }

    /// Which way it went; `null` when the source does not say.
    async fn direction(&self) -> Option<Direction> {
        self.0.direction.map(Into::into)
    }

    /// Subject or title, one line; may be empty. Plain text: escape it before you put it into HTML.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The first of the author's own words, one line, at most 200 characters. Plain text.
    async fn snippet(&self) -> &str {
        &self.0.snippet
    }

    /// The readable text, whole, at most 1 MiB; `notes` say whether there was more. Plain text.
    async fn body_text(&self, ctx: &Context<'_>) -> Result<String> {
        self.1.text(ctx, self.0.interaction_id, |texts| &texts.body_text).await
    }

    /// What could not be read or kept of it; empty for nearly everything. What is shown is right even so.
    async fn notes(&self) -> Vec<InteractionNote> {
        self.0.details.read().notes.into_iter().map(Into::into).collect()
    }

    /// The author's own words in `bodyText`: without quoted history, signature and disclaimer. Answers between quotations stay,
    /// the quotations do not. The whole text where nothing else is in it, such as in a mail that only forwards another. Plain
    /// text.
    async fn reply_text(&self, ctx: &Context<'_>) -> Result<String> {
        self.1.text(ctx, self.0.interaction_id, Texts::own).await
    }

    /// The language of `replyText`, by its code (ISO 639-1); `null` when it is too short to tell, or when the search does not know
    /// that language's forms of words.
    async fn language(&self) -> Option<&'static str> {
        self.0.details.read().language.map(Language::as_str)
    }

    /// The HTML of a mail, made harmless, for showing it as it was meant; `null` for a mail that is text only and for a meeting.
    /// It is made anew each time and counts as 1,000 fields: ask for few mails at a time.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn html(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "What becomes of images that the mail would load from elsewhere.",
            default_with = "RemoteImages::Blocked"
        )]
        images: RemoteImages,
    ) -> Result<Option<SanitizedHtml>> {
        let app = app(ctx)?;
        // On the heap: whatever field is asked, its future has room for the longest.
        let found = Box::pin(content::html(app, viewer(ctx)?, self.0.interaction_id, images.into())).await;
        Ok(found.map_err(|error| refused(ctx, error))?.map(|found| SanitizedHtml::new(found, app.images.is_some())))
    }

    /// An address from which what the provider sent of it can be downloaded, as it came, for 15 minutes, by whoever has the address
    /// and without a token: ask for it when it is needed, and do not keep it. A JSON array: of a mail Google's one answer, of a
    /// meeting the one of its series first and then those of the exceptions.
    async fn raw_url(&self, ctx: &Context<'_>) -> Result<String> {
        let link = content::raw_link(app(ctx)?, viewer(ctx)?, self.0.interaction_id);
        Ok(link.map_err(|error| refused(ctx, error))?.into())
    }

    /// What kind of mail it is, by its headers; `null` for a meeting. Contacts are made of the authors of `PERSONAL` and `LIST` only.
    async fn category(&self) -> Option<MailCategory> {
        self.0.category.map(Into::into)
    }

    /// The id of the mailing list that a mail came through; `null` when it came through none.
    async fn list_id(&self) -> Option<String> {
        self.0.details.read().list
    }

    /// Whether a mail is signed or encrypted; `null` when it is neither. An encrypted mail's text cannot be shown.
    async fn protection(&self) -> Option<MailProtection> {
        self.0.details.read().protection.map(Into::into)
    }

    /// The meeting that a mail invites to, answers or cancels; `null` when it is about none.
    async fn invitation(&self) -> Option<Invitation> {
        self.0.details.read().invitation.map(|fact| Invitation(fact, self.1.clone()))
    }

    /// What a calendar says of a meeting beside its title, times and people; `null` for a mail.
    async fn meeting(&self) -> Option<MeetingFacts> {
        self.0.details.read().meeting.map(|fact| MeetingFacts::of(fact, self.0.universal_id.clone(), &self.1))
    }

    /// Whom a bounced mail did not reach; empty for other mail, and when the server does not say.
    async fn failed_recipients(&self) -> Vec<String> {
        self.0.details.read().failed_recipients
    }

    /// When a mail says that it was sent, which is its sender's claim; `null` when it does not say, and for a meeting.
    async fn sent_at(&self) -> Option<DateTime<Utc>> {
        self.0.sent_at
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
        Some(AllDay { first: Date(first), last: Date(last) })
    }

    /// The conversation that a mail is part of, or the series of a meeting; `null` when there is none.
    async fn conversation(&self) -> Option<Thread> {
        self.1.thread(&self.0)
    }

    /// The provider's id of the conversation, or of the series a meeting belongs to; `null` when there is none.
    #[graphql(deprecation = "Use `conversation`, whose `sourceId` this is.")]
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

    /// Whether a meeting is certain; `null` for mail.
    async fn status(&self) -> Option<MeetingStatus> {
        self.0.status.as_deref().and_then(MeetingStatus::from_word)
    }

    /// Who took part.
    async fn participants(&self) -> AllAtHand<Participant> {
        AllAtHand(self.0.participants.read().into_iter().map(|fact| Participant::of(fact, &self.1)).collect())
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
        self.0
            .attachments
            .read()
            .into_iter()
            .map(|fact| Attachment { interaction: self.0.interaction_id, fact })
            .collect()
    }
}
