//! The people a person knows.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::words::EvidenceKind;
use crate::{
    db::{
        self,
        blocklist::Blocked,
        contacts::{Contact as Row, Identity as IdentityRow},
        interactions::TimelineFilter,
    },
    graphql::{
        company::Circle,
        error::read,
        id::{self, Kind},
        insights::{self, DayCount},
        page::Window,
        timeline::{self, TimelineConnection},
    },
    sync::people::Suggestion,
};

/// Someone whom the person knows, among those of the same page.
#[derive(Clone)]
pub(crate) struct Contact(Row, Circle);

impl Contact {
    /// The contacts of a page.
    pub(crate) fn of_page(rows: Vec<Row>) -> Vec<Self> {
        let circle = Circle::of(&rows);
        rows.into_iter().map(|row| Self::among(row, &circle)).collect()
    }

    /// One of a page.
    pub(crate) fn among(row: Row, circle: &Circle) -> Self {
        Self(row, circle.clone())
    }

    /// One by itself.
    pub(crate) fn alone(row: Row) -> Self {
        let circle = Circle::of(std::slice::from_ref(&row));
        Self(row, circle)
    }
}

/// An address of a contact.
#[derive(SimpleObject)]
pub(crate) struct Identity {
    /// The mailbox: lower case, without what follows a plus, at Gmail without dots. Other spellings of it are the same address.
    address: String,
    /// What they call themselves under it in the newest mail they wrote, else what the newest interaction calls them; `null` where
    /// none gives a name.
    name: Option<String>,
    /// When they first took part in anything under it; `null` where nothing is left of that.
    first_at: Option<DateTime<Utc>>,
    /// When they last did, or will; `null` where nothing is left of that.
    last_at: Option<DateTime<Utc>>,
}

impl From<IdentityRow> for Identity {
    fn from(row: IdentityRow) -> Self {
        Self { address: row.address, name: row.name, first_at: row.first_at, last_at: row.last_at }
    }
}

/// Someone whom the person knows, under one address or several. Contacts come of themselves, from who wrote to whom and who
/// met whom, as the preference `contactPolicy` says; programs, mailings and addresses that take no answers are none. The id
/// stays the same when a batch is undone and redone.
#[Object]
impl Contact {
    /// The contact's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Contact, self.0.contact_id.0)
    }

    /// The name that the person gave them, else what their interactions call them; `null` where there is none. Anyone may call
    /// themselves anything: show an address beside it where it matters who it is.
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Their addresses, the one met last first; at most 100. Blocked ones are left out.
    #[graphql(complexity = "2 * child_complexity")]
    async fn identities(&self, ctx: &Context<'_>) -> Result<Vec<Identity>> {
        let rows = self.1.identities(ctx, self.0.contact_id).await?;
        Ok(rows.into_iter().filter(|row| !row.is_hidden).map(Into::into).collect())
    }

    /// Mails that the person wrote to them, those to more than 50 people left out.
    async fn n_wrote_to(&self) -> i32 {
        self.0.n_wrote_to
    }

    /// Mails that they wrote, in person or to a list.
    async fn n_wrote(&self) -> i32 {
        self.0.n_wrote
    }

    /// Meetings that both they and the person are in, also ones to come. Not those that either has declined, and none with more than
    /// 50 people.
    async fn n_met(&self) -> i32 {
        self.0.n_met
    }

    /// When they first took part in anything on the timeline.
    async fn first_at(&self) -> DateTime<Utc> {
        self.0.first_at
    }

    /// When they last took part in anything on the timeline, or will.
    async fn last_at(&self) -> DateTime<Utc> {
        self.0.last_at
    }

    /// How much there was with them on each day, also as one of many, oldest first, without days on which there was nothing. What
    /// came in by two ways counts once. It is counted when it is asked for, and counts as 500 fields.
    #[graphql(complexity = "500 + child_complexity")]
    async fn days(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only what occurred at or after this moment.")] from: DateTime<Utc>,
        #[graphql(desc = "Only what occurred before this moment, at most 367 days after `from`.")] to: DateTime<Utc>,
        #[graphql(
            default_with = "\"UTC\".to_owned()",
            desc = "The IANA time zone by which days are told, such as `Europe/Berlin`."
        )]
        time_zone: String,
    ) -> Result<Vec<DayCount>> {
        let (span, contact) = (insights::span(from, to, &time_zone)?, self.0.contact_id);
        let cells = read(ctx, async |tx| db::insights::cells(tx, &span, Some(contact)).await).await?;
        Ok(DayCount::of_cells(&cells))
    }

    /// Mail and meetings in which they took part, also as one of many, newest first. It is what `timeline` gives with
    /// `contactId`, and counts as 50 fields more: ask for it of few contacts at a time.
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
        let (contact, window) = (self.0.contact_id, Window::new(first, after, last, before)?);
        let (places, towards) = window.places()?;
        if places == (None, None) {
            let (rows, cursor) = self.1.timeline(ctx, contact, towards, window.fetch()).await?;
            return Ok(timeline::of_rows(&window, rows, cursor));
        }
        let filter = TimelineFilter { contact: Some(contact), ..TimelineFilter::default() };
        timeline::page(ctx, &window, &filter, timeline::wants_changes(ctx)).await
    }
}

/// Something that speaks for two contacts being one person.
#[derive(SimpleObject)]
pub(crate) struct Evidence {
    /// What it is.
    kind: EvidenceKind,
    /// The addresses it was found in, one of each contact.
    addresses: Vec<String>,
}

/// Two contacts that may be one person. `mergeContacts` makes them one, `dismissContactSuggestion` says that they are two.
#[derive(SimpleObject)]
pub(crate) struct ContactSuggestion {
    /// The two, the one met last first.
    contacts: Vec<Contact>,
    /// What speaks for it: the same full name, and at least one fact more.
    evidence: Vec<Evidence>,
}

impl From<Suggestion> for ContactSuggestion {
    fn from(found: Suggestion) -> Self {
        let evidence = |kind: crate::domain::people::suggest::EvidenceKind| Evidence {
            kind: kind.into(),
            addresses: found.addresses.to_vec(),
        };
        Self {
            evidence: found.evidence.into_iter().map(evidence).collect(),
            contacts: Contact::of_page(found.contacts.into()),
        }
    }
}

/// An address or a domain whose people are no contacts.
#[derive(SimpleObject)]
pub(crate) struct BlocklistEntry {
    /// The address, or the domain, which means those below it, too.
    entry: String,
    /// When it was blocked.
    created_at: DateTime<Utc>,
}

impl From<Blocked> for BlocklistEntry {
    fn from(row: Blocked) -> Self {
        Self { entry: row.entry, created_at: row.created_at }
    }
}
