//! The same mail in two accounts, the same meeting in two calendars: which rows are one, and which of them stands for it.
//!
//! Each copy is a row of its own, because each comes and goes with its own source. Which one is shown is found when it is read, so that
//! there is nothing to keep in step: where one goes, another stands for it.

use std::{collections::HashSet, sync::LazyLock};

use diesel::{
    AppearsOnTable, Expression, QueryDsl, QueryResult, QueryableByName, SelectableExpression, SelectableHelper,
    dsl::{AsSelect, IntoBoxed, Select},
    expression::{ValidGrouping, is_aggregate},
    pg::Pg,
    query_builder::{AstPass, QueryFragment, QueryId},
    sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Result, Tx,
    interactions::{Interaction, Rows, TimelineFilter},
    schema::interactions,
    statement::sql,
};
use crate::domain::{
    account::Service,
    ids::{AccountId, BatchId, InteractionId},
    normalize::Direction,
};

/// Whether `other` and `i` are the same: by the name that every copy has, and, because some programs give one name to many mails, by
/// what the sender wrote. Calendars that show only times lack the title, so a meeting's name is enough.
const SAME: &str = "other.user_id = i.user_id AND other.universal_id = i.universal_id AND other.occurrence = i.occurrence AND other.kind = i.kind
    AND (other.kind = 'meeting' OR (other.subject = i.subject AND other.sent_at IS NOT DISTINCT FROM i.sent_at))";

/// The order of copies, the one that stands for all first: what is still there, what one sent, what says more; then any.
const ORDER: &str = "(c.deleted_at IS NOT NULL, c.direction IS DISTINCT FROM 'sent', c.subject = '', c.interaction_id)";

fn order_of(row: &str) -> String {
    ORDER.replace("c.", &format!("{row}."))
}

/// Whether another row stands for `row` that a filter shows, too. A question mark stands for each of the filter's values, `NULL` where
/// it has none: account, stream, batch, thread, direction, label. Copies differ in these and in nothing else that a filter looks at.
fn is_stood_for(row: &str) -> String {
    format!(
        "({row}.universal_id IS NOT NULL AND EXISTS (
             SELECT FROM interactions AS other
             WHERE {} AND {} < {}
                 AND coalesce(other.account_id = ?, true) AND coalesce(other.stream_id = ?, true) AND coalesce(other.batch_id = ?, true)
                 AND other.thread IS NOT DISTINCT FROM coalesce(?, other.thread)
                 AND other.direction IS NOT DISTINCT FROM coalesce(?, other.direction) AND other.labels @> array_remove(ARRAY[?::text], NULL)
             OFFSET 0
         ))",
        SAME.replace("i.", &format!("{row}.")),
        order_of("other"),
        order_of(row),
    )
}

/// As a column of a statement over `interactions`: whether another row stands for this one that the filter shows, too.
///
/// It says of itself that the statement may be kept, which diesel does not believe of SQL by hand.
pub(super) struct IsHidden<'f> {
    account: Option<Uuid>,
    stream: Option<Uuid>,
    batch: Option<Uuid>,
    thread: Option<&'f str>,
    direction: Option<&'static str>,
    label: Option<&'f str>,
}

impl<'f> IsHidden<'f> {
    fn of(filter: &'f TimelineFilter) -> Self {
        Self {
            account: filter.account.map(|id| id.0),
            stream: filter.stream.map(|id| id.0),
            batch: filter.batch.map(|id| id.0),
            thread: filter.thread.as_deref(),
            direction: filter.direction.map(Direction::as_str),
            label: filter.label.as_deref(),
        }
    }
}

impl Expression for IsHidden<'_> {
    type SqlType = Bool;
}

impl SelectableExpression<interactions::table> for IsHidden<'_> {}

impl AppearsOnTable<interactions::table> for IsHidden<'_> {}

impl ValidGrouping<()> for IsHidden<'_> {
    type IsAggregate = is_aggregate::No;
}

impl QueryId for IsHidden<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for IsHidden<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        static TEXT: LazyLock<String> = LazyLock::new(|| is_stood_for("interactions"));
        for (number, part) in TEXT.split('?').enumerate() {
            match number {
                0 => {}
                1 => out.push_bind_param::<Nullable<SqlUuid>, _>(&self.account)?,
                2 => out.push_bind_param::<Nullable<SqlUuid>, _>(&self.stream)?,
                3 => out.push_bind_param::<Nullable<SqlUuid>, _>(&self.batch)?,
                4 => out.push_bind_param::<Nullable<Text>, _>(&self.thread)?,
                5 => out.push_bind_param::<Nullable<Text>, _>(&self.direction)?,
                _ => out.push_bind_param::<Nullable<Text>, _>(&self.label)?,
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

/// A statement that selects interactions, and of each whether another one stands for it that the filter shows, too.
pub(super) type Once<'a> = IntoBoxed<'a, Select<interactions::table, (AsSelect<Interaction, Pg>, IsHidden<'a>)>, Pg>;

/// These rows, each with whether another one stands for it that the filter shows, too.
pub(super) fn once<'a>(rows: Rows<'a>, filter: &'a TimelineFilter) -> Once<'a> {
    rows.select((Interaction::as_select(), IsHidden::of(filter)))
}

/// Those of these interactions for which another one stands that this filter shows, too.
///
/// # Errors
/// When the database refuses.
pub async fn hidden(tx: &mut Tx, filter: &TimelineFilter, ids: &[InteractionId]) -> Result<HashSet<InteractionId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        interaction_id: InteractionId,
    }
    let is_stood_for = (3..=8).fold(is_stood_for("i"), |text, number| text.replacen('?', &format!("${number}"), 1));
    let rows: Vec<Row> = sql(format!(
        "SELECT i.interaction_id
         FROM unnest($2) AS wanted (id)
         CROSS JOIN LATERAL (SELECT * FROM interactions WHERE user_id = $1 AND interaction_id = wanted.id OFFSET 0) AS i
         WHERE {is_stood_for}"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<_>>())
    .bind::<Nullable<SqlUuid>, _>(filter.account.map(|id| id.0))
    .bind::<Nullable<SqlUuid>, _>(filter.stream.map(|id| id.0))
    .bind::<Nullable<SqlUuid>, _>(filter.batch.map(|id| id.0))
    .bind::<Nullable<Text>, _>(filter.thread.as_deref())
    .bind::<Nullable<Text>, _>(filter.direction.map(Direction::as_str))
    .bind::<Nullable<Text>, _>(filter.label.as_deref())
    .load(&mut **tx)
    .await?;
    Ok(rows.into_iter().map(|row| row.interaction_id).collect())
}

/// One way by which an interaction has come in.
#[derive(Clone, Debug, QueryableByName)]
pub struct Source {
    /// The interaction that was asked for.
    #[diesel(sql_type = SqlUuid)]
    pub of: InteractionId,
    #[diesel(sql_type = SqlUuid)]
    pub interaction_id: InteractionId,
    #[diesel(sql_type = SqlUuid)]
    pub account_id: AccountId,
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    #[diesel(sql_type = Text)]
    pub service: Service,
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Array<Text>)]
    pub labels: Vec<String>,
}

/// All copies of these interactions, the one that stands for them first.
///
/// # Errors
/// When the database refuses.
pub async fn sources(tx: &mut Tx, ids: &[InteractionId]) -> Result<Vec<Source>> {
    let sources = sql(format!(
        "WITH i AS MATERIALIZED (
             SELECT i.* FROM unnest($2) AS wanted (id)
             CROSS JOIN LATERAL (SELECT * FROM interactions WHERE user_id = $1 AND interaction_id = wanted.id OFFSET 0) AS i
         )
         SELECT of, c.interaction_id, c.account_id, c.batch_id, c.service, c.group_key AS source_id, c.labels
         FROM (
             SELECT i.interaction_id AS of, i.* FROM i
             UNION ALL
             SELECT i.interaction_id, other.* FROM i
             CROSS JOIN LATERAL (SELECT * FROM interactions AS other WHERE {SAME} AND other.interaction_id <> i.interaction_id OFFSET 0) AS other
         ) AS c
         ORDER BY of, {ORDER}"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(ids.iter().map(|id| id.0).collect::<Vec<Uuid>>())
    .load(&mut **tx)
    .await?;
    Ok(sources)
}

/// How a mail and the meeting that it is about find each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Link {
    /// The meeting with a universal id: the copy that stands for all, and of a series its first occurrence there is.
    Meeting,
    /// The newest ten mails about a meeting.
    MailsAbout,
}

/// What each of these universal ids of meetings leads to.
///
/// # Errors
/// When the database refuses.
pub async fn linked(tx: &mut Tx, link: Link, names: &[String]) -> Result<Vec<(String, Interaction)>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        name: String,
        #[diesel(sql_type = SqlUuid)]
        interaction_id: InteractionId,
    }
    let which = match link {
        Link::Meeting => {
            format!(
                "o.universal_id = wanted.name AND o.kind = 'meeting' ORDER BY o.occurred_at, {} LIMIT 1",
                order_of("o")
            )
        }
        Link::MailsAbout => "o.about = wanted.name ORDER BY o.occurred_at DESC, o.interaction_id LIMIT 10".to_owned(),
    };
    let found: Vec<Row> = sql(format!(
        "SELECT wanted.name, i.interaction_id FROM unnest($2) AS wanted (name)
         CROSS JOIN LATERAL (SELECT o.interaction_id, o.occurred_at FROM interactions AS o WHERE o.user_id = $1 AND {which}) AS i
         ORDER BY i.occurred_at DESC"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<Text>, _>(names)
    .load(&mut **tx)
    .await?;
    let ids: Vec<_> = found.iter().map(|row| row.interaction_id).collect();
    let rows = Interaction::with_ids(tx, &ids).await?;
    let row = |id| rows.iter().find(|row| row.interaction_id == id).cloned();
    Ok(found.into_iter().filter_map(|found| Some((found.name, row(found.interaction_id)?))).collect())
}
