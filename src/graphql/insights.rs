//! Insights: what a span of the timeline comes to in numbers.

use async_graphql::{Context, Object, Result, SimpleObject};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::sync::OnceCell;

use super::{
    code::Code,
    error::read,
    objects::{contact::Contact, words::InteractionKind},
    scalars::Date,
};
use crate::db::{
    contacts::Contact as ContactRow,
    insights::{self, Answers, Cell, Span},
};

/// The longest span, in days: a leap year, and a day for zones.
const MAX_DAYS: i64 = 367;
/// The most correspondents of one answer.
const MOST_CORRESPONDENTS: i32 = 50;
/// For each correspondent asked for, so many are looked at: the policy leaves some of them out.
const LOOKED_AT: i64 = 4;

/// What is asked of numbers.
#[derive(Default)]
pub(super) struct InsightsQuery;

#[Object]
impl InsightsQuery {
    /// What a span of the timeline comes to in numbers. They are counted when they are asked for: it counts as 1,000 fields.
    #[graphql(complexity = "1_000 + child_complexity")]
    async fn insights(
        &self,
        #[graphql(desc = "Only what occurred at or after this moment.")] from: DateTime<Utc>,
        #[graphql(desc = "Only what occurred before this moment, at most 367 days after `from`.")] to: DateTime<Utc>,
        #[graphql(
            default_with = "\"UTC\".to_owned()",
            desc = "The IANA time zone by which days and hours are told, such as `Europe/Berlin`."
        )]
        time_zone: String,
    ) -> Result<Insights> {
        Ok(Insights { span: span(from, to, &time_zone)?, cells: OnceCell::new() })
    }
}

/// What a client means by a span.
///
/// # Errors
/// When it is too long, ends before it begins, or names a zone that does not exist.
pub(super) fn span(from: DateTime<Utc>, to: DateTime<Utc>, time_zone: &str) -> Result<Span> {
    let zone: Tz = time_zone.parse().map_err(|_| Code::BadUserInput.field_error("timeZone is no IANA time zone."))?;
    if to <= from || to - from > TimeDelta::days(MAX_DAYS) {
        return Err(Code::BadUserInput.field_error("The span ends after it begins, and has at most 367 days."));
    }
    Ok(Span { from, to, zone })
}

/// A span, and what was counted of it.
pub(super) struct Insights {
    span: Span,
    /// Days and hours come of one statement.
    cells: OnceCell<Result<Vec<Cell>>>,
}

/// How much there was on a day.
#[derive(SimpleObject)]
pub(crate) struct DayCount {
    /// The day, in the time zone asked for; of a meeting of whole days the first.
    day: Date,
    /// Mail or meetings.
    kind: InteractionKind,
    /// How many.
    count: i64,
}

impl DayCount {
    /// Those of days.
    pub(super) fn of_cells(cells: &[Cell]) -> Vec<Self> {
        let day = |cell: &Cell| Some(Self { day: Date(cell.day?), kind: cell.kind.into(), count: cell.count });
        cells.iter().filter_map(day).collect()
    }
}

/// How much there was in an hour of the week.
#[derive(SimpleObject)]
pub(super) struct HourCount {
    /// 1 for Monday to 7 for Sunday.
    weekday: i32,
    /// The hour that it occurred or began in, 0 to 23.
    hour: i32,
    /// Mail or meetings.
    kind: InteractionKind,
    /// How many.
    count: i64,
}

/// Someone with whom the person has to do, and how much.
#[derive(SimpleObject)]
pub(super) struct Correspondent {
    /// Who it is.
    contact: Contact,
    /// Mails that the person wrote to them, those to more than 50 people left out.
    n_wrote_to: i64,
    /// Mails that they wrote.
    n_wrote: i64,
    /// Meetings that both they and the person are in.
    n_met: i64,
}

/// How long answers took: from a mail to the next one of the other side in the same conversation, where people write to people.
#[derive(SimpleObject)]
pub(super) struct AnswerTimes {
    /// How many answers there were.
    count: i64,
    /// Half of them took no more than so many seconds.
    median_seconds: f64,
    /// Nine of ten took no more than so many seconds.
    ninth_decile_seconds: f64,
}

impl From<Answers> for AnswerTimes {
    fn from(Answers { count, median, ninth, .. }: Answers) -> Self {
        Self { count, median_seconds: median, ninth_decile_seconds: ninth }
    }
}

impl Insights {
    async fn cells(&self, ctx: &Context<'_>) -> Result<&[Cell]> {
        let look = || read(ctx, async |tx| insights::cells(tx, &self.span, None).await);
        let cells: &Result<Vec<Cell>> = self.cells.get_or_init(look).await;
        cells.as_deref().map_err(Clone::clone)
    }

    async fn answers(&self, ctx: &Context<'_>, are_own: bool) -> Result<Option<AnswerTimes>> {
        let found = read(ctx, async |tx| insights::answers(tx, &self.span).await).await?;
        Ok(found.into_iter().find(|answers| answers.are_own == are_own).map(Into::into))
    }
}

/// What a span of the timeline comes to in numbers.
#[Object]
impl Insights {
    /// How much there was on each day, oldest first, without days on which there was nothing. What came in by two ways counts
    /// once.
    async fn days(&self, ctx: &Context<'_>) -> Result<Vec<DayCount>> {
        Ok(DayCount::of_cells(self.cells(ctx).await?))
    }

    /// How much there was in each hour of the week, without hours in which there was nothing. Meetings of whole days are left
    /// out.
    async fn hours(&self, ctx: &Context<'_>) -> Result<Vec<HourCount>> {
        let cells = self.cells(ctx).await?.iter();
        let hour = |cell: &Cell| {
            let (weekday, hour) = (cell.weekday?, cell.hour?);
            Some(HourCount { weekday, hour, kind: cell.kind.into(), count: cell.count })
        };
        Ok(cells.filter_map(hour).collect())
    }

    /// The contacts with whom the person has most to do, by the mails and meetings of the span.
    #[graphql(complexity = "first.clamp(1, 50) as usize * child_complexity + 1")]
    async fn correspondents(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10, desc = "Correspondents, 1 to 50.")] first: i32,
    ) -> Result<Vec<Correspondent>> {
        if !(1..=MOST_CORRESPONDENTS).contains(&first) {
            return Err(Code::BadUserInput.field_error("There are 1 to 50 correspondents at a time."));
        }
        let limit = i64::from(first) * LOOKED_AT;
        let (found, rows) = read(ctx, async |tx| {
            let found = insights::correspondents(tx, &self.span, limit).await?;
            let ids: Vec<_> = found.iter().map(|one| one.contact_id).collect();
            let rows = ContactRow::of_ids(tx, &ids).await?;
            Ok((found, rows))
        })
        .await?;
        let rank = |row: &ContactRow| found.iter().position(|one| one.contact_id == row.contact_id);
        let mut ranked: Vec<_> = rows.into_iter().filter_map(|row| Some((rank(&row)?, row))).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.truncate(usize::try_from(first).unwrap_or_default());
        let (ranks, rows): (Vec<_>, Vec<_>) = ranked.into_iter().unzip();
        let numbers = ranks.into_iter().filter_map(|rank| found.get(rank));
        let with_numbers = |(contact, one): (Contact, &insights::Correspondent)| Correspondent {
            contact,
            n_wrote_to: one.wrote_to,
            n_wrote: one.wrote,
            n_met: one.met,
        };
        Ok(Contact::of_page(rows).into_iter().zip(numbers).map(with_numbers).collect())
    }

    /// How long the person took to answer; `null` where they answered nothing.
    async fn own_answers(&self, ctx: &Context<'_>) -> Result<Option<AnswerTimes>> {
        self.answers(ctx, true).await
    }

    /// How long others took to answer the person; `null` where nobody did.
    async fn others_answers(&self, ctx: &Context<'_>) -> Result<Option<AnswerTimes>> {
        self.answers(ctx, false).await
    }
}
