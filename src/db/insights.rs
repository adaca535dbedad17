//! What a span of a person's timeline comes to in numbers. Everything is counted when it is asked for: there is nothing to keep
//! in step, and an undo needs to know nothing of it.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use diesel::{
    QueryableByName,
    sql_types::{BigInt, Bool, Date, Double, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, statement::sql};
use crate::domain::{
    ids::{AccountId, ContactId},
    normalize::{Category, InteractionKind},
};

/// How much of an account is on the timeline. What came in by two ways counts for each.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Held {
    #[diesel(sql_type = SqlUuid)]
    pub account_id: AccountId,
    #[diesel(sql_type = BigInt)]
    pub mails: i64,
    /// Each occurrence of a series for itself.
    #[diesel(sql_type = BigInt)]
    pub meetings: i64,
}

impl Held {
    /// Of an account of which there is nothing.
    pub const fn nothing(account_id: AccountId) -> Self {
        Self { account_id, mails: 0, meetings: 0 }
    }
}

/// How much of each account is on the timeline, without accounts of which there is nothing.
///
/// # Errors
/// When the database refuses.
pub async fn held(tx: &mut Tx) -> Result<Vec<Held>> {
    let query = sql(
        "SELECT account_id, count(*) FILTER (WHERE kind = 'email') AS mails, count(*) FILTER (WHERE kind = 'meeting') AS meetings
         FROM interactions WHERE user_id = $1 GROUP BY account_id",
    )
    .bind::<SqlUuid, _>(tx.user().0);
    Ok(query.load(&mut **tx).await?)
}

/// From when to when, the end exclusive, and by which zone days and hours are told.
#[derive(Clone, Copy, Debug)]
pub struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub zone: Tz,
}

/// How much of a kind there was on a day, or in an hour of the week.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Cell {
    /// `None` in a cell of the week.
    #[diesel(sql_type = Nullable<Date>)]
    pub day: Option<NaiveDate>,
    /// 1 for Monday to 7; `None` in a cell of a day.
    #[diesel(sql_type = Nullable<Integer>)]
    pub weekday: Option<i32>,
    /// `None` in a cell of a day.
    #[diesel(sql_type = Nullable<Integer>)]
    pub hour: Option<i32>,
    #[diesel(sql_type = Text)]
    pub kind: InteractionKind,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
}

/// How much of each kind there was on each day and in each hour of the week, without those in which there was nothing; with a
/// contact, of what they took part in.
///
/// What came in by two ways counts once. Meetings of whole days count for their first day and for no hour.
///
/// # Errors
/// When the database refuses.
pub async fn cells(tx: &mut Tx, span: &Span, with: Option<ContactId>) -> Result<Vec<Cell>> {
    // A condition of its own, so that what a contact took part in is found by their addresses.
    let took_part = if with.is_none() {
        "AND $5::uuid IS NULL"
    } else {
        "AND interaction_id IN (
             SELECT p.interaction_id FROM identities AS i
             JOIN interaction_people AS p ON p.user_id = i.user_id AND p.address = i.address
             WHERE i.user_id = $1 AND i.contact_id = $5 AND NOT i.is_hidden AND p.occurred_at >= $2 AND p.occurred_at < $3)"
    };
    // The same copies are one as in `copies`.
    let query = sql(format!(
        "WITH once AS (
             SELECT DISTINCT ON (kind, coalesce(universal_id, interaction_id::text), occurrence,
                     CASE kind WHEN 'email' THEN subject END, CASE kind WHEN 'email' THEN sent_at END)
                 kind, all_day_from, occurred_at AT TIME ZONE $4 AS local
             FROM interactions
             WHERE user_id = $1 AND occurred_at >= $2 AND occurred_at < $3 {took_part}
         ), placed AS (
             SELECT kind, coalesce(all_day_from, local::date) AS day, all_day_from IS NULL AS has_hour,
                 extract(isodow FROM local)::integer AS weekday, extract(hour FROM local)::integer AS hour
             FROM once
         )
         SELECT day, NULL::integer AS weekday, NULL::integer AS hour, kind, count(*) FROM placed GROUP BY day, kind
         UNION ALL
         SELECT NULL, weekday, hour, kind, count(*) FROM placed WHERE has_hour GROUP BY weekday, hour, kind
         ORDER BY day, weekday, hour, kind",
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Timestamptz, _>(span.from)
    .bind::<Timestamptz, _>(span.to)
    .bind::<Text, _>(span.zone.name())
    .bind::<Nullable<SqlUuid>, _>(with.map(|contact| contact.0));
    Ok(query.load(&mut **tx).await?)
}

/// How often a contact took part.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Correspondent {
    #[diesel(sql_type = SqlUuid)]
    pub contact_id: ContactId,
    #[diesel(sql_type = BigInt)]
    pub wrote_to: i64,
    #[diesel(sql_type = BigInt)]
    pub wrote: i64,
    #[diesel(sql_type = BigInt)]
    pub met: i64,
}

/// Those whom the person has most to do with, at most `limit`, whether or not the policy makes them contacts.
///
/// # Errors
/// When the database refuses.
pub async fn correspondents(tx: &mut Tx, span: &Span, limit: i64) -> Result<Vec<Correspondent>> {
    let query = sql(
        "SELECT i.contact_id,
             count(DISTINCT p.interaction_id) FILTER (WHERE p.relation = 'wrote_to') AS wrote_to,
             count(DISTINCT p.interaction_id) FILTER (WHERE p.relation = 'wrote') AS wrote,
             count(DISTINCT p.interaction_id) FILTER (WHERE p.relation = 'met') AS met
         FROM interaction_people AS p
         JOIN identities AS i ON i.user_id = p.user_id AND i.address = p.address AND NOT i.is_hidden
         WHERE p.user_id = $1 AND p.occurred_at >= $2 AND p.occurred_at < $3 AND p.relation IN ('wrote_to', 'wrote', 'met')
         GROUP BY i.contact_id
         ORDER BY count(DISTINCT p.interaction_id) DESC, i.contact_id
         LIMIT $4",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Timestamptz, _>(span.from)
    .bind::<Timestamptz, _>(span.to)
    .bind::<BigInt, _>(limit);
    Ok(query.load(&mut **tx).await?)
}

/// How long answers took, of one side.
#[derive(Clone, Debug, PartialEq, QueryableByName)]
pub struct Answers {
    /// Whether they are the person's own.
    #[diesel(sql_type = Bool)]
    pub are_own: bool,
    #[diesel(sql_type = BigInt)]
    pub count: i64,
    /// Half of them took no more than so many seconds.
    #[diesel(sql_type = Double)]
    pub median: f64,
    /// Nine of ten took no more than so many seconds.
    #[diesel(sql_type = Double)]
    pub ninth: f64,
}

/// How long answers took, of each side that has given any: in a conversation of people, from a mail to the next one of the
/// other side.
///
/// # Errors
/// When the database refuses.
pub async fn answers(tx: &mut Tx, span: &Span) -> Result<Vec<Answers>> {
    let query = sql(
        "WITH mails AS (
             SELECT direction, occurred_at, lead(direction) OVER conversation AS next, lead(occurred_at) OVER conversation AS next_at
             FROM interactions
             WHERE user_id = $1 AND occurred_at >= $2 AND occurred_at < $3 AND kind = 'email' AND thread IS NOT NULL
                 AND direction IN ('sent', 'received') AND category IN ($4, $5)
             WINDOW conversation AS (PARTITION BY account_id, thread ORDER BY occurred_at, interaction_id)
         ), answers AS (
             SELECT next = 'sent' AS are_own, extract(epoch FROM next_at - occurred_at)::double precision AS seconds
             FROM mails WHERE next <> direction
         )
         SELECT are_own, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY seconds) AS median,
             percentile_cont(0.9) WITHIN GROUP (ORDER BY seconds) AS ninth
         FROM answers GROUP BY are_own",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Timestamptz, _>(span.from)
    .bind::<Timestamptz, _>(span.to)
    .bind::<Text, _>(Category::Personal.as_str())
    .bind::<Text, _>(Category::List.as_str());
    Ok(query.load(&mut **tx).await?)
}
