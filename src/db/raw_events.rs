//! Raw events: every version of every item, sealed. Never updated.

use chrono::{DateTime, Utc};
use diesel::{
    QueryDsl, QueryableByName,
    pg::Pg,
    sql_types::{Array, BigInt, Bytea, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::raw_events, statement::sql};
use crate::domain::{
    account::ProviderName,
    ids::{BatchId, StreamId},
    item::RawKind,
};

/// One version to store.
#[derive(Clone, Debug)]
pub struct NewRawEvent {
    pub source_id: String,
    pub version: i64,
    pub kind: RawKind,
    pub group_key: String,
    /// Compressed, then sealed.
    pub payload: Vec<u8>,
    /// Size as received.
    pub size_bytes: i32,
}

/// Stores a chunk of versions; one that is there already stays as it is.
///
/// # Errors
/// When the database refuses.
pub async fn insert(
    tx: &mut Tx,
    provider: ProviderName,
    stream: StreamId,
    batch: BatchId,
    rows: &[NewRawEvent],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sql(
        "INSERT INTO raw_events (user_id, provider, stream_id, batch_id, source_id, version, kind, group_key, payload, size_bytes)
         SELECT $1, $2, $3, $4, r.* FROM unnest($5, $6, $7, $8, $9, $10) AS r ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.source_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.kind.as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.group_key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bytea>, _>(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.size_bytes).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// One version of an item, by its key in a stream.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Version {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
}

/// Deletes these versions, each by its key.
///
/// One statement would have to join what it deletes, and while the database knows too little of a table to see how much one
/// stream has, it then walks the stream once for each version (measured: a minute for 500 of 20,000).
///
/// # Errors
/// When the database refuses.
pub async fn delete(tx: &mut Tx, provider: ProviderName, stream: StreamId, versions: &[Version]) -> Result<()> {
    let (user, provider) = (tx.user(), provider.as_str());
    let row =
        |one: &'_ Version| raw_events::table.find((user.0, provider, stream.0, one.source_id.clone(), one.version));
    tx.each(versions.iter().map(|one| diesel::delete(row(one)))).await
}

/// What an item is projected from.
#[derive(Clone, Debug, QueryableByName)]
pub struct RawEvent {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    #[diesel(sql_type = Text)]
    pub kind: RawKind,
    #[diesel(sql_type = Text)]
    pub group_key: String,
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    #[diesel(sql_type = Bytea)]
    pub payload: Vec<u8>,
    /// Since when the provider no longer has what is shown; with it, the rest is of the version below the marker.
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub deleted_at: Option<DateTime<Utc>>,
}

/// The newest surviving version of every item of some groups ($4), and below it, where that tells of a deletion and keeps the
/// item, the version that is kept: these columns of the two.
///
/// A series that is kept is kept as it stood: what came of its exceptions with its deletion, or after, is left out, for
/// providers cancel them along with it.
///
/// One look by the key for each item; why, `items` says. A group's own item bears its name, the others (exceptions of a
/// series) are found through the ledger's index.
fn of_newest(columns: &str) -> String {
    format!(
        "WITH sources AS (
             SELECT unnest($4) AS source_id, NULL::timestamptz AS kept_at, NULL::uuid AS kept_by, NULL::bigint AS kept_in
             UNION
             SELECT member.source_id, own.fetched_at, own.batch_id, own.version
             FROM unnest($4) AS wanted (group_key) CROSS JOIN LATERAL (
                 SELECT source_id FROM items
                 WHERE user_id = $1 AND stream_id = $3 AND group_key = wanted.group_key AND group_key IS DISTINCT FROM source_id
                 OFFSET 0
             ) AS member
             LEFT JOIN LATERAL (
                 SELECT * FROM (
                     SELECT kind, version, batch_id, fetched_at FROM raw_events
                     WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = wanted.group_key
                     ORDER BY version DESC LIMIT 1
                 ) AS newest WHERE kind = 'kept'
             ) AS own ON true
         )
         SELECT {columns} FROM sources CROSS JOIN LATERAL (
             SELECT source_id, version, kind, group_key, batch_id, payload, size_bytes, fetched_at FROM raw_events
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = sources.source_id
                 AND (kept_at IS NULL OR (fetched_at < kept_at AND (batch_id <> kept_by OR version < kept_in)))
             ORDER BY version DESC LIMIT 1
         ) AS newest
         LEFT JOIN LATERAL (
             SELECT version, batch_id, payload, size_bytes FROM raw_events
             WHERE newest.kind = 'kept' AND user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = newest.source_id
                 AND version < newest.version AND kind = 'item'
             ORDER BY version DESC LIMIT 1
         ) AS below ON true"
    )
}

async fn load_newest<Row: QueryableByName<Pg> + Send + 'static>(
    tx: &mut Tx,
    columns: &str,
    provider: ProviderName,
    stream: StreamId,
    groups: &[String],
) -> Result<Vec<Row>> {
    let rows = sql(of_newest(columns))
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Text, _>(provider.as_str())
        .bind::<SqlUuid, _>(stream.0)
        .bind::<Array<Text>, _>(groups)
        .load(&mut **tx)
        .await?;
    Ok(rows)
}

/// What [`RawEvent`] takes of the newest version and of the one below it.
const SHOWN: &str = "newest.source_id, newest.group_key, coalesce(below.version, newest.version) AS version,
    CASE WHEN below.version IS NULL THEN newest.kind ELSE 'item' END AS kind, coalesce(below.batch_id, newest.batch_id) AS batch_id,
    coalesce(below.payload, newest.payload) AS payload, CASE WHEN below.version IS NOT NULL THEN newest.fetched_at END AS deleted_at";

/// The newest surviving version of every item of these groups; where that tells of a deletion and keeps the item, the version
/// that is kept.
///
/// # Errors
/// When the database refuses.
pub async fn newest(tx: &mut Tx, provider: ProviderName, stream: StreamId, groups: &[String]) -> Result<Vec<RawEvent>> {
    load_newest(tx, SHOWN, provider, stream, groups).await
}

/// How large one version is.
#[derive(Clone, Debug, QueryableByName)]
pub struct Size {
    #[diesel(sql_type = Text)]
    pub group_key: String,
    #[diesel(sql_type = Integer)]
    pub size_bytes: i32,
}

/// The sizes, as received, of what [`newest`] gives.
///
/// # Errors
/// When the database refuses.
pub async fn sizes(tx: &mut Tx, provider: ProviderName, stream: StreamId, groups: &[String]) -> Result<Vec<Size>> {
    let columns = "newest.group_key, coalesce(below.size_bytes, newest.size_bytes) AS size_bytes";
    load_newest(tx, columns, provider, stream, groups).await
}
