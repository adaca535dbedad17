//! Raw events: every version of every item, sealed. Never updated.

use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Bytea, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx};
use crate::domain::{
    account::ProviderName,
    ids::{BatchId, StreamId},
};

/// One version to store.
#[derive(Clone, Debug)]
pub struct NewRawEvent {
    pub source_id: String,
    pub version: i64,
    /// `item`, `gone` or `departed`.
    pub kind: &'static str,
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
    diesel::sql_query(
        "INSERT INTO raw_events (user_id, provider, stream_id, batch_id, source_id, version, kind, group_key, payload, size_bytes)
         SELECT $1, $2, $3, $4, r.* FROM unnest($5, $6, $7, $8, $9, $10) AS r ON CONFLICT DO NOTHING",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Text, _>(provider.as_str())
    .bind::<SqlUuid, _>(stream.0)
    .bind::<SqlUuid, _>(batch.0)
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.source_id.as_str()).collect::<Vec<_>>())
    .bind::<Array<BigInt>, _>(rows.iter().map(|row| row.version).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.kind).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(rows.iter().map(|row| row.group_key.as_str()).collect::<Vec<_>>())
    .bind::<Array<Bytea>, _>(rows.iter().map(|row| row.payload.as_slice()).collect::<Vec<_>>())
    .bind::<Array<Integer>, _>(rows.iter().map(|row| row.size_bytes).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The newest version of one item.
#[derive(Clone, Debug, QueryableByName)]
pub struct RawEvent {
    #[diesel(sql_type = Text)]
    pub source_id: String,
    #[diesel(sql_type = BigInt)]
    pub version: i64,
    #[diesel(sql_type = Text)]
    pub kind: String,
    #[diesel(sql_type = Text)]
    pub group_key: String,
    #[diesel(sql_type = SqlUuid)]
    pub batch_id: BatchId,
    #[diesel(sql_type = Bytea)]
    pub payload: Vec<u8>,
}

/// Columns of the newest surviving version of every item of some groups ($4).
///
/// One look by the key for each item; why, `items` says. A group's own item bears its name, the others (exceptions of a
/// series) are found through the ledger's index.
fn of_newest(columns: &str) -> String {
    format!(
        "WITH sources AS (
             SELECT unnest($4) AS source_id
             UNION
             SELECT member.source_id FROM unnest($4) AS wanted (group_key) CROSS JOIN LATERAL (
                 SELECT source_id FROM items
                 WHERE user_id = $1 AND stream_id = $3 AND group_key = wanted.group_key AND group_key IS DISTINCT FROM source_id
                 OFFSET 0
             ) AS member
         )
         SELECT newest.* FROM sources CROSS JOIN LATERAL (
             SELECT {columns} FROM raw_events
             WHERE user_id = $1 AND provider = $2 AND stream_id = $3 AND source_id = sources.source_id
             ORDER BY version DESC LIMIT 1
         ) AS newest"
    )
}

/// The newest surviving version of every item of these groups.
///
/// # Errors
/// When the database refuses.
pub async fn newest(tx: &mut Tx, provider: ProviderName, stream: StreamId, groups: &[String]) -> Result<Vec<RawEvent>> {
    let rows = diesel::sql_query(of_newest("source_id, version, kind, group_key, batch_id, payload"))
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Text, _>(provider.as_str())
        .bind::<SqlUuid, _>(stream.0)
        .bind::<Array<Text>, _>(groups)
        .load(&mut **tx)
        .await?;
    Ok(rows)
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
    let rows = diesel::sql_query(of_newest("group_key, size_bytes"))
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Text, _>(provider.as_str())
        .bind::<SqlUuid, _>(stream.0)
        .bind::<Array<Text>, _>(groups)
        .load(&mut **tx)
        .await?;
    Ok(rows)
}
