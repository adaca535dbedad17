//! Linked accounts, their services and collections.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    batch::int,
    breaker::{self, Breaker},
    deletion::DeletionPolicy,
    words::{AccountState, Provider, Service, ShortcomingCode},
};
use crate::{
    db::{accounts::Account as Row, streams::Stream as StreamRow},
    domain::{
        account,
        consent::Label as LabelFact,
        status::{self, AccountStatus, LinkFacts, StreamFacts},
        stream::Collection,
    },
    graphql::{
        error::{app, caller, refused},
        household::Household,
        id::{self, Kind},
    },
    sync::{self, eta::Drawn},
};

/// A linked identity at a provider, among those of the same page.
#[derive(Clone)]
pub(crate) struct Account(pub Row, pub Household);

/// One service of an account, and whether it may be read.
#[derive(SimpleObject)]
pub(crate) struct ServiceAccess {
    /// The service.
    service: Service,
    /// Whether the person granted access to it. Connect again to change this.
    granted: bool,
}

/// One thing that keeps an account from being `ACTIVE`.
#[derive(SimpleObject)]
pub(crate) struct Shortcoming {
    /// A stable word to branch on.
    code: ShortcomingCode,
    /// The mailbox or calendar it is about; `null` when it is about the whole account.
    stream: Option<Stream>,
    /// What is not as it should be and what mends it, in English, fit to show to a person.
    message: String,
}

impl Account {
    /// One by itself.
    pub(crate) fn alone(row: Row) -> Self {
        Self(row, Household::default())
    }

    /// How it stands, what is wanting, and the streams that this was told from.
    async fn status(&self, ctx: &Context<'_>) -> Result<(AccountStatus, Vec<status::Shortcoming>, Vec<StreamRow>)> {
        let streams = self.1.streams(ctx, self.0.account_id).await?;
        let (rows, facts): (Vec<StreamRow>, Vec<StreamFacts>) = streams.into_iter().unzip();
        let link = LinkFacts { state: self.0.state, reason: self.0.state_reason.as_deref(), scopes: &self.0.scopes };
        let (status, shortcomings) = status::of_account(link, &facts);
        Ok((status, shortcomings, rows))
    }
}

/// A linked identity at a provider.
#[Object]
impl Account {
    /// The account's id. It stays the same when the account is connected again.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Account, self.0.account_id.0)
    }

    /// The company the account is with.
    async fn provider(&self) -> Provider {
        self.0.provider.into()
    }

    /// The address people know the account by. It may change; the id does not.
    async fn email(&self) -> &str {
        &self.0.email
    }

    /// The addresses that are the person's own in this account, lower case: what is sent from them is `SENT`, and they are no
    /// contacts. Besides `email`, those that Gmail lets the person send from and takes for their own, as of the last sync.
    async fn addresses(&self) -> Vec<String> {
        self.0.own_addresses()
    }

    /// How the account stands. `ACTIVE` is a promise: everything that was approved is here.
    #[graphql(complexity = 5)]
    async fn state(&self, ctx: &Context<'_>) -> Result<AccountState> {
        Ok(self.status(ctx).await?.0.into())
    }

    /// Why it is not `ACTIVE` and what to do, in English; `null` when it is. The first of its shortcomings.
    #[graphql(complexity = 5)]
    async fn state_reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.status(ctx).await?.1.into_iter().next().map(|first| first.message))
    }

    /// Everything that keeps it from being `ACTIVE`; empty exactly when it is.
    #[graphql(complexity = "5 * child_complexity")]
    async fn shortcomings(&self, ctx: &Context<'_>) -> Result<Vec<Shortcoming>> {
        let (_, shortcomings, rows) = self.status(ctx).await?;
        let stream = |id| rows.iter().find(|row| Some(row.stream_id) == id).cloned().map(Stream);
        let told = shortcomings.into_iter().map(|one| Shortcoming {
            code: one.code.into(),
            stream: stream(one.stream),
            message: one.message,
        });
        Ok(told.collect())
    }

    /// Every service, and whether access to it was granted.
    async fn services(&self) -> Vec<ServiceAccess> {
        let access = |service: &account::Service| ServiceAccess {
            service: (*service).into(),
            granted: service.is_granted(&self.0.scopes),
        };
        account::Service::ALL.iter().map(access).collect()
    }

    /// When the person last gave their consent at the provider.
    async fn linked_at(&self) -> DateTime<Utc> {
        self.0.linked_at
    }

    /// What becomes here of what is deleted at the provider. `setDeletionPolicy` changes it.
    async fn deletion_policy(&self) -> DeletionPolicy {
        self.0.deletions().into()
    }

    /// What is kept in step, one entry for the mailbox and one for each calendar; empty before the first approval.
    #[graphql(complexity = "5 * child_complexity")]
    async fn streams(&self, ctx: &Context<'_>) -> Result<Vec<Stream>> {
        let streams = self.1.streams(ctx, self.0.account_id).await?;
        Ok(streams.into_iter().map(|(row, _)| Stream(row)).collect())
    }

    /// How many mails of it are on the timeline. They are counted when they are asked for: it counts as 20 fields.
    #[graphql(complexity = 20)]
    async fn n_mails(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(self.1.held(ctx, self.0.account_id).await?.mails))
    }

    /// How many meetings of it are on the timeline, each occurrence of a series for itself. As `nMails`.
    #[graphql(complexity = 20)]
    async fn n_meetings(&self, ctx: &Context<'_>) -> Result<i32> {
        Ok(int(self.1.held(ctx, self.0.account_id).await?.meetings))
    }

    /// What it has drawn of each service's quota.
    #[graphql(complexity = "4 * child_complexity")]
    async fn quotas(&self, ctx: &Context<'_>) -> Result<Vec<Quota>> {
        let drawn = sync::eta::drawn(app(ctx)?, self.0.account_id).await;
        Ok(drawn.map_err(|error| refused(ctx, error))?.into_iter().map(Into::into).collect())
    }

    /// Whether each service is asked at the moment: of each, the breaker of this account and the one of everyone.
    #[graphql(complexity = "4 * child_complexity")]
    async fn breakers(&self, ctx: &Context<'_>) -> Result<Vec<Breaker>> {
        breaker::of_account(ctx, self.0.account_id).await
    }

    /// The calendars the account can read, asked of the provider now; `null`, with an error that says why, when it does not tell.
    /// Use their `sourceId` in `PreviewInput.calendars`.
    #[graphql(complexity = "20 + 10 * child_complexity")]
    async fn calendars(&self, ctx: &Context<'_>) -> Result<Option<Vec<Calendar>>> {
        // On the heap, as an interaction's HTML.
        let found = Box::pin(sync::collections::calendars(app(ctx)?, &caller(ctx)?, self.0.account_id)).await;
        Ok(Some(found.map_err(|error| refused(ctx, error))?.into_iter().map(Calendar).collect()))
    }

    /// The account's labels, asked of the provider now; `null`, with an error that says why, when it does not tell. Use their
    /// `sourceId` in `PreviewInput.includeLabels` and `excludeLabels`.
    #[graphql(complexity = "20 + 10 * child_complexity")]
    async fn labels(&self, ctx: &Context<'_>) -> Result<Option<Vec<Label>>> {
        let found = Box::pin(sync::collections::labels(app(ctx)?, &caller(ctx)?, self.0.account_id)).await;
        Ok(Some(found.map_err(|error| refused(ctx, error))?.into_iter().map(Label).collect()))
    }
}

/// What an account has drawn of a service's quota, in the provider's units: Gmail's quota units, or calendar requests.
#[derive(SimpleObject)]
pub(crate) struct Quota {
    /// The service.
    service: Service,
    /// The units that any minute allows this account.
    units_per_minute: i32,
    /// The units drawn in the last minute.
    used_in_minute: i32,
    /// The units drawn since midnight UTC, as far as is known: a Redis that forgets begins anew.
    used_today: i32,
}

impl From<Drawn> for Quota {
    fn from(drawn: Drawn) -> Self {
        Self {
            service: drawn.service.into(),
            units_per_minute: int(drawn.units_per_minute.into()),
            used_in_minute: int(drawn.in_minute.into()),
            used_today: int(i64::try_from(drawn.today).unwrap_or(i64::MAX)),
        }
    }
}

/// How much of what the provider lists is accounted for, as of the last time that everything was listed.
#[derive(SimpleObject)]
pub(crate) struct Coverage {
    /// When the last of it was listed.
    checked_at: DateTime<Utc>,
    /// How many items the provider named. Every one of them has an outcome in `items`.
    listed: i32,
    /// How many of them should have been known and were not; they were fetched then. Only `auditCompleteness` can tell: to
    /// a listing under a new consent, or after a cursor has died, what is new is no gap.
    gaps: i32,
    /// The share without gaps, 0 to 100; 100 only when there were none.
    percent: f64,
}

/// A mailbox or a calendar that is kept in step.
#[derive(Clone)]
pub(crate) struct Stream(pub StreamRow);

/// A mailbox or a calendar that is kept in step.
#[Object]
impl Stream {
    /// The stream's id.
    pub async fn id(&self) -> ID {
        id::encode(Kind::Stream, self.0.stream_id.0)
    }

    /// The service it reads.
    async fn service(&self) -> Service {
        self.0.service.into()
    }

    /// The name people know it by: the account's address, or the calendar's name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The calendar's IANA time zone; `null` for a mailbox.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone.as_deref()
    }

    /// Whether a consent is in force. Without one nothing is fetched.
    async fn consented(&self) -> bool {
        self.0.preview_id.is_some()
    }

    /// What the last complete listing found; `null` before the first one has ended.
    async fn coverage(&self) -> Option<Coverage> {
        let row = &self.0;
        let (checked_at, listed, gaps) = (row.audited_at?, row.n_audited?, row.n_gaps?);
        // Exact up to 2^53 items.
        #[expect(clippy::cast_precision_loss, reason = "a percentage needs no more digits than an f64 has")]
        let share = if listed == 0 { 1.0 } else { (listed - gaps) as f64 / listed as f64 };
        Some(Coverage {
            checked_at,
            listed: int(listed),
            gaps: int(gaps),
            percent: (share * 1_000_000.0).floor() / 10_000.0,
        })
    }

    /// When a run last left nothing to fetch; `null` before the first run has ended.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.completed_at
    }
}

/// A calendar at the provider.
pub(crate) struct Calendar(Collection);

/// A calendar at the provider.
#[Object]
impl Calendar {
    /// The provider's id of the calendar.
    async fn source_id(&self) -> &str {
        &self.0.id
    }

    /// The same as `sourceId`. No object's id by which clients might keep it: accounts share calendars' ids.
    #[graphql(deprecation = "Use `sourceId`.")]
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether it is the account's main calendar, which a preview reads when none is named.
    async fn primary(&self) -> bool {
        self.0.primary
    }

    /// Its IANA time zone; `null` when the provider names none.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone.as_deref()
    }
}

/// A label at the provider.
pub(crate) struct Label(LabelFact);

/// A label at the provider.
#[Object]
impl Label {
    /// The provider's id of the label, such as `INBOX` or `Label_12`.
    async fn source_id(&self) -> &str {
        &self.0.id
    }

    /// The same as `sourceId`. No object's id by which clients might keep it: accounts share labels' ids.
    #[graphql(deprecation = "Use `sourceId`.")]
    async fn id(&self) -> &str {
        &self.0.id
    }

    /// Its name.
    async fn name(&self) -> &str {
        &self.0.name
    }
}
