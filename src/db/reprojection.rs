//! The statements of a reprojection: which streams are behind the normalizer, how far each has come, and what has changed.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;

use super::{Result, Tx, schema::streams, statement::sql, streams::Due};
use crate::domain::{
    ids::{AccountId, StreamId, UserId},
    normalize::VERSION,
    reprojection::{Changes, Fingerprint, Fingerprints},
};

/// Up to `limit` streams with rows of a normalizer older than `version`, of one person or of all; those after `after`, in the
/// order of their keys. For the scheduler's role.
///
/// # Errors
/// When the database refuses.
pub async fn older_than(
    tx: &mut Tx,
    version: i32,
    user: Option<UserId>,
    after: Option<Due>,
    limit: i64,
) -> Result<Vec<Due>> {
    let due = sql("SELECT user_id, stream_id FROM streams
         WHERE projected_by < $1 AND ($2 IS NULL OR user_id = $2) AND ($3 IS NULL OR (user_id, stream_id) > ($3, $4))
         ORDER BY user_id, stream_id LIMIT $5")
    .bind::<Integer, _>(version)
    .bind::<Nullable<SqlUuid>, _>(user.map(|user| user.0))
    .bind::<Nullable<SqlUuid>, _>(after.map(|due| due.user_id.0))
    .bind::<Nullable<SqlUuid>, _>(after.map(|due| due.stream_id.0))
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(due)
}

/// How far a stream's reprojection has come: the last source id, and what has changed until there.
#[derive(Clone, Debug, Default)]
pub struct Place {
    pub to: Option<String>,
    pub changes: Changes,
}

/// Where to go on in a stream; `None` when all its rows are of this normalizer.
///
/// # Errors
/// When the database refuses.
pub async fn place(tx: &mut Tx, stream: StreamId) -> Result<Option<Place>> {
    let row: Option<(Option<String>, Option<Value>)> = streams::table
        .find((tx.user().0, stream.0))
        .filter(streams::projected_by.lt(VERSION))
        .select((streams::reprojected_to, streams::reprojection))
        .first(&mut **tx)
        .await
        .optional()?;
    // What an earlier reprojection has changed is not this one's.
    Ok(row.map(|(to, changes)| Place { changes: to.as_ref().and(changes).map(read).unwrap_or_default(), to }))
}

/// What the last reprojection of a stream has changed, or this one until here.
///
/// # Errors
/// When the database refuses.
pub async fn changes(tx: &mut Tx, stream: StreamId) -> Result<Changes> {
    let found = streams::table.find((tx.user().0, stream.0)).select(streams::reprojection);
    let changes: Option<Option<Value>> = found.first(&mut **tx).await.optional()?;
    Ok(changes.flatten().map(read).unwrap_or_default())
}

fn read(changes: Value) -> Changes {
    serde_json::from_value(changes).unwrap_or_default()
}

/// Has all rows of a stream rebuilt, from the first.
///
/// # Errors
/// When the database refuses.
pub async fn begin(tx: &mut Tx, stream: StreamId) -> Result<()> {
    let anew = (streams::projected_by.eq(0), streams::reprojected_to.eq(None::<String>));
    diesel::update(streams::table.find((tx.user().0, stream.0))).set(anew).execute(&mut **tx).await?;
    Ok(())
}

/// Has the rows of an account's mail rebuilt, where any of it is known.
///
/// # Errors
/// When the database refuses.
pub async fn begin_with_mail(tx: &mut Tx, account: AccountId) -> Result<()> {
    sql("UPDATE streams s SET projected_by = 0, reprojected_to = NULL
         WHERE user_id = $1 AND account_id = $2 AND service = 'gmail'
             AND EXISTS (SELECT FROM items i WHERE i.user_id = $1 AND i.stream_id = s.stream_id)")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(account.0)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes how far a reprojection has come.
///
/// # Errors
/// When the database refuses.
pub async fn save(tx: &mut Tx, stream: StreamId, place: &Place) -> Result<()> {
    let saved = (streams::reprojected_to.eq(&place.to), streams::reprojection.eq(Some(json(&place.changes))));
    diesel::update(streams::table.find((tx.user().0, stream.0))).set(saved).execute(&mut **tx).await?;
    Ok(())
}

/// Notes that all rows of a stream are of this normalizer, and what that has changed.
///
/// # Errors
/// When the database refuses.
pub async fn finish(tx: &mut Tx, stream: StreamId, changes: &Changes) -> Result<()> {
    let done = (
        streams::projected_by.eq(VERSION),
        streams::reprojected_to.eq(None::<String>),
        streams::reprojection.eq(Some(json(changes))),
    );
    diesel::update(streams::table.find((tx.user().0, stream.0))).set(done).execute(&mut **tx).await?;
    Ok(())
}

fn json(changes: &Changes) -> Value {
    serde_json::to_value(changes).expect("a plain struct with string keys")
}

/// An item, and the group it belongs to.
#[derive(Clone, Debug, QueryableByName)]
pub struct Member {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = Text)]
    pub group_key: String,
}

/// The next items of a stream after a source id.
///
/// # Errors
/// When the database refuses.
pub async fn members(tx: &mut Tx, stream: StreamId, after: Option<&str>, limit: i64) -> Result<Vec<Member>> {
    let members = sql("SELECT source_id, coalesce(group_key, source_id) AS group_key FROM items
         WHERE user_id = $1 AND stream_id = $2 AND source_id > $3 ORDER BY source_id LIMIT $4")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Text, _>(after.unwrap_or_default())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(members)
}

/// The rows of these groups as they stand. What they say does not leave the database.
///
/// # Errors
/// When the database refuses.
pub async fn fingerprints(tx: &mut Tx, stream: StreamId, groups: &[String]) -> Result<Fingerprints> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        group_key: String,
        #[diesel(sql_type = Text)]
        occurrence: String,
        #[diesel(sql_type = Jsonb)]
        fields: Value,
    }
    let rows: Vec<Row> = sql("SELECT i.group_key, i.occurrence, (
             SELECT jsonb_object_agg(key, md5(value)) FROM jsonb_each_text(to_jsonb(i) - 'normalizer_version')
         ) AS fields
         FROM unnest($3) AS wanted (group_key) CROSS JOIN LATERAL (
             SELECT * FROM interactions WHERE user_id = $1 AND stream_id = $2 AND group_key = wanted.group_key OFFSET 0
         ) AS i")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(groups)
    .load(&mut **tx)
    .await?;
    let fields = |fields| serde_json::from_value::<Fingerprint>(fields).unwrap_or_default();
    Ok(rows.into_iter().map(|row| ((row.group_key, row.occurrence), fields(row.fields))).collect())
}
