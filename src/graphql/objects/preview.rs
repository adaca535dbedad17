//! Previews: what a sync would bring in.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{account::Account, words::Service};
use crate::{
    domain::consent::Snapshot,
    graphql::{
        household::Household,
        id::{self, Kind},
    },
    sync::preview::{Facts, Made, Range as RangeFact, Sample as SampleFact, Tally as TallyFact},
};

/// What a sync would bring in, as it was found. Approve it before `expiresAt` to make it binding.
#[derive(Clone)]
pub(crate) struct Preview(pub Made);

/// A count that may not be exact.
#[derive(SimpleObject)]
pub(crate) struct CountRange {
    /// There are at least so many.
    at_least: i32,
    /// There are at most so many; `null` when nobody can say. Equal to `atLeast` when the count is exact.
    at_most: Option<i32>,
}

/// A name with a number.
#[derive(SimpleObject)]
pub(crate) struct Tally {
    /// What is counted: a label's or a calendar's id, a sender's address, a rule.
    key: String,
    /// What people call it.
    name: String,
    /// How many.
    count: i32,
}

/// One mail or meeting, as an example of what would come in.
#[derive(SimpleObject)]
pub(crate) struct Sample {
    /// The service it comes from.
    service: Service,
    /// Subject or title.
    title: String,
    /// The sender of a mail, the organizer of a meeting.
    who: String,
    /// When a mail arrived, when a meeting starts.
    at: DateTime<Utc>,
    /// The first words of the text.
    snippet: String,
}

/// From when to when.
#[derive(SimpleObject)]
pub(crate) struct Window {
    /// Mail received at or after this moment; meetings that end after it.
    from: DateTime<Utc>,
    /// Meetings that start before this moment; `null` for mail, which has no end.
    to: Option<DateTime<Utc>>,
}

/// GraphQL integers have 32 bits.
fn int(n: u64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

impl From<RangeFact> for CountRange {
    fn from(range: RangeFact) -> Self {
        Self { at_least: int(range.at_least), at_most: range.at_most.map(int) }
    }
}

impl From<&TallyFact> for Tally {
    fn from(tally: &TallyFact) -> Self {
        Self { key: tally.id.clone(), name: tally.name.clone(), count: int(tally.count) }
    }
}

impl From<&SampleFact> for Sample {
    fn from(sample: &SampleFact) -> Self {
        let SampleFact { service, title, who, at, snippet } = sample.clone();
        Self { service: service.into(), title, who, at, snippet }
    }
}

impl Preview {
    fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// `None` only for a row written by a later version of this program.
    fn snapshot(&self) -> Option<Snapshot> {
        serde_json::from_value(self.0.row.snapshot.clone()).ok()
    }
}

/// What a sync would bring in, as it was found. Approve it before `expiresAt` to make it binding.
#[Object]
impl Preview {
    /// The preview's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Preview, self.0.row.preview_id.0)
    }

    /// The account it would read; `null` when it is no longer there.
    async fn account(&self, ctx: &Context<'_>) -> Result<Option<Account>> {
        Household::default().account(ctx, self.0.row.account_id).await
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.row.created_at
    }

    /// After this it cannot be approved, and its samples and senders are forgotten.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.row.expires_at
    }

    /// Hexadecimal SHA-256 of the consent: the same filters, calendars, window and exclusions give the same hash.
    async fn hash(&self) -> &str {
        &self.0.row.hash
    }

    /// The mail query that the run will use, with every date made absolute; `null` when no mail was asked for.
    async fn mail_query(&self) -> Option<String> {
        Some(self.snapshot()?.mail?.query)
    }

    /// The span of mail; `null` when no mail was asked for.
    async fn mail_window(&self) -> Option<Window> {
        Some(Window { from: self.snapshot()?.mail?.after, to: None })
    }

    /// The span of meetings; `null` when no meetings were asked for.
    async fn calendar_window(&self) -> Option<Window> {
        let scope = self.snapshot()?.calendar?;
        Some(Window { from: scope.from, to: Some(scope.to) })
    }

    /// How many mails would come in.
    async fn mail(&self) -> CountRange {
        self.facts().mail.into()
    }

    /// How many meetings would come in; a recurring one counts once.
    async fn meetings(&self) -> CountRange {
        self.facts().meetings.into()
    }

    /// Labels among the sampled mails, most frequent first, at most ten.
    async fn per_label(&self) -> Vec<Tally> {
        self.facts().labels.iter().map(Into::into).collect()
    }

    /// Meetings of each calendar.
    async fn per_calendar(&self) -> Vec<Tally> {
        self.facts().calendars.iter().map(Into::into).collect()
    }

    /// Senders of the sampled mails, most frequent first, at most ten; empty once the preview has expired.
    async fn top_senders(&self) -> Vec<Tally> {
        self.0.shown.top_senders.iter().map(Into::into).collect()
    }

    /// Of what was looked at: how many items each rule keeps out. `undone` counts what an earlier undo took away.
    async fn excluded_by_rule(&self) -> Vec<Tally> {
        self.facts().excluded.iter().map(Into::into).collect()
    }

    /// Examples, newest first, at most 20 mails and 20 meetings; empty once the preview has expired.
    async fn samples(&self) -> Vec<Sample> {
        self.0.shown.samples.iter().map(Into::into).collect()
    }

    /// How many mails the labels, senders and mail samples were drawn from.
    async fn sampled_mails(&self) -> i32 {
        int(self.facts().sampled_mails)
    }

    /// Gmail quota units the run will draw, at most.
    async fn gmail_units(&self) -> i32 {
        int(self.facts().gmail_units)
    }

    /// Calendar requests the run will make, at most.
    async fn calendar_requests(&self) -> i32 {
        int(self.facts().calendar_requests)
    }

    /// How long the run will take within the provider's budget as it stands, in seconds, if it is approved at once.
    async fn estimated_seconds(&self) -> i32 {
        int(self.facts().duration_ms.div_ceil(1_000))
    }
}
