//! Streams: what is read, under which consent, up to which cursor.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, Queryable, QueryableByName, Selectable, SelectableHelper,
    dsl::now,
    sql_types::{Array, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::streams, statement::sql};
use crate::domain::{
    account::Service,
    batch::BatchState,
    ids::{AccountId, PreviewId, StreamId, UserId},
    job::JobKind,
    normalize::VERSION,
    status::{LastRun, StreamFacts},
    stream::{Collection, Cursor},
};

/// A stored stream.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = streams, check_for_backend(diesel::pg::Pg))]
pub struct Stream {
    pub stream_id: StreamId,
    pub account_id: AccountId,
    pub service: Service,
    pub collection_id: String,
    pub name: String,
    pub time_zone: Option<String>,
    pub preview_id: Option<PreviewId>,
    pub window_from: Option<DateTime<Utc>>,
    pub window_to: Option<DateTime<Utc>>,
    pub cursor: Option<String>,
    pub listed: bool,
    pub completed_at: Option<DateTime<Utc>>,
    pub audited_at: Option<DateTime<Utc>>,
    pub n_audited: Option<i64>,
    pub n_gaps: Option<i64>,
}

impl Stream {
    /// The stream with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: StreamId) -> Result<Option<Self>> {
        let query = streams::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// An account's streams, in the order of their making.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<Self>> {
        let query = streams::table
            .filter(streams::user_id.eq(tx.user().0))
            .filter(streams::account_id.eq(account.0))
            .order(streams::stream_id)
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// All streams of the person, in the order of their making. There are a handful.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn all(tx: &mut Tx) -> Result<Vec<Self>> {
        let query =
            streams::table.filter(streams::user_id.eq(tx.user().0)).order(streams::stream_id).select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// The collection it reads.
    pub fn collection(&self) -> Collection {
        Collection {
            service: self.service,
            id: self.collection_id.clone(),
            name: self.name.clone(),
            primary: false,
            time_zone: self.time_zone.clone(),
        }
    }
}

/// A stream in which something is due, whoever's it is: all that the scheduler sees of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub struct Due {
    #[diesel(sql_type = SqlUuid)]
    pub user_id: UserId,
    #[diesel(sql_type = SqlUuid)]
    pub stream_id: StreamId,
}

/// Puts a stream under a consent and returns its id: a new one, or the one there is, which then lists anew.
///
/// Its cursor stays: what has happened since to what earlier consents brought in is still to be asked for.
///
/// A window only grows: what an earlier consent brought in stays in sight.
///
/// # Errors
/// When the database refuses.
pub async fn consent(
    tx: &mut Tx,
    account: AccountId,
    collection: &Collection,
    preview: PreviewId,
    window: Option<(DateTime<Utc>, DateTime<Utc>)>,
) -> Result<StreamId> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        stream_id: StreamId,
    }
    let row: Row = sql(
        "INSERT INTO streams (user_id, stream_id, account_id, service, collection_id, name, time_zone, preview_id, window_from, window_to,
             projected_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         ON CONFLICT (user_id, account_id, service, collection_id) DO UPDATE SET
             name = excluded.name, time_zone = excluded.time_zone, preview_id = excluded.preview_id, listed = false,
             window_from = least(streams.window_from, excluded.window_from),
             window_to = greatest(streams.window_to, excluded.window_to)
         RETURNING stream_id",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(StreamId::generate().0)
    .bind::<SqlUuid, _>(account.0)
    .bind::<Text, _>(collection.service.as_str())
    .bind::<Text, _>(&collection.id)
    .bind::<Text, _>(&collection.name)
    .bind::<Nullable<Text>, _>(&collection.time_zone)
    .bind::<SqlUuid, _>(preview.0)
    .bind::<Nullable<Timestamptz>, _>(window.map(|(from, _)| from))
    .bind::<Nullable<Timestamptz>, _>(window.map(|(_, to)| to))
    .bind::<Integer, _>(VERSION)
    .get_result(&mut **tx)
    .await?;
    Ok(row.stream_id)
}

/// Moves the cursor, if the stream is still under this consent, and says whether everything inside it has been listed.
///
/// # Errors
/// When the database refuses.
pub async fn move_cursor(
    tx: &mut Tx,
    id: StreamId,
    preview: PreviewId,
    cursor: Option<&Cursor>,
    listed: bool,
) -> Result<()> {
    diesel::update(streams::table.find((tx.user().0, id.0)))
        .filter(streams::preview_id.eq(preview.0))
        .set((streams::cursor.eq(cursor.map(|cursor| &cursor.0)), streams::listed.eq(listed)))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Notes that a run left nothing to fetch.
///
/// # Errors
/// When the database refuses.
pub async fn mark_complete(tx: &mut Tx, id: StreamId) -> Result<()> {
    let stream = streams::table.find((tx.user().0, id.0));
    diesel::update(stream).set(streams::completed_at.eq(now)).execute(&mut **tx).await?;
    Ok(())
}

/// Notes what listing everything came to: how many ids it named, and how many of them the ledger did not know although it
/// should have.
///
/// # Errors
/// When the database refuses.
pub async fn note_coverage(tx: &mut Tx, id: StreamId, n_audited: i64, n_gaps: i64) -> Result<()> {
    let stream = streams::table.find((tx.user().0, id.0));
    diesel::update(stream)
        .set((streams::audited_at.eq(now), streams::n_audited.eq(Some(n_audited)), streams::n_gaps.eq(Some(n_gaps))))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Whose consents to take back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Withdrawn {
    /// This one.
    Consent(PreviewId),
    /// All that an account's streams are under.
    Account(AccountId),
}

/// Takes consents back: their streams fetch nothing more until another preview is approved.
///
/// # Errors
/// When the database refuses.
pub async fn withdraw(tx: &mut Tx, which: Withdrawn) -> Result<()> {
    let mut under = diesel::update(streams::table)
        .filter(streams::user_id.eq(tx.user().0))
        .set((
            streams::preview_id.eq(None::<uuid::Uuid>),
            streams::cursor.eq(None::<String>),
            streams::listed.eq(false),
        ))
        .into_boxed();
    under = match which {
        Withdrawn::Consent(preview) => under.filter(streams::preview_id.eq(preview.0)),
        Withdrawn::Account(account) => under.filter(streams::account_id.eq(account.0)),
    };
    under.execute(&mut **tx).await?;
    Ok(())
}

/// What an account's status asks of the streams of these accounts.
///
/// # Errors
/// When the database refuses.
pub async fn facts(tx: &mut Tx, streams: &[Stream]) -> Result<Vec<StreamFacts>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        stream_id: StreamId,
        #[diesel(sql_type = Nullable<Text>)]
        batch: Option<BatchState>,
        #[diesel(sql_type = Bool)]
        gave_up: bool,
        #[diesel(sql_type = Bool)]
        was_blocked: bool,
        #[diesel(sql_type = Bool)]
        is_waiting: bool,
        #[diesel(sql_type = Bool)]
        has_failed: bool,
    }
    let consented: Vec<_> = streams.iter().filter(|stream| stream.preview_id.is_some()).collect();
    if consented.is_empty() {
        return Ok(streams.iter().map(|stream| stream.facts(None, false, false)).collect());
    }
    // The newest batches are looked at until one has read the stream, which nearly always the first has. Ids of batches rise
    // with time, so that what failed under the consent in force is told from what an earlier one has left.
    let rows: Vec<Row> = sql(
        "SELECT s.stream_id, run.state AS batch, coalesce(run.gave_up, false) AS gave_up,
             coalesce(run.was_blocked, false) AS was_blocked,
             EXISTS (SELECT FROM items i WHERE i.user_id = $1 AND i.stream_id = s.stream_id AND i.outcome = 'pending') AS is_waiting,
             EXISTS (SELECT FROM items i WHERE i.user_id = $1 AND i.stream_id = s.stream_id AND i.outcome = 'failed'
                 AND i.batch_id >= approved.batch_id) AS has_failed
         FROM unnest($2, $3, $4, $5) AS s (stream_id, account_id, preview_id, normalize)
         LEFT JOIN LATERAL (
             SELECT batch_id FROM batches WHERE user_id = $1 AND preview_id = s.preview_id AND origin = 'approve'
         ) AS approved ON true
         LEFT JOIN LATERAL (
             SELECT b.state, dead.gave_up, dead.was_blocked
             FROM batches b CROSS JOIN LATERAL (
                 SELECT count(*) > 0 AS gave_up, coalesce(bool_or(d.error_class = 'blocked'), false) AS was_blocked
                 FROM jobs d WHERE d.user_id = $1 AND d.batch_id = b.batch_id AND d.state IN ('dead', 'discarded')
                     AND (d.stream_id = s.stream_id OR d.kind = s.normalize)
             ) AS dead
             WHERE b.user_id = $1 AND b.account_id = s.account_id AND b.state <> 'undone' AND EXISTS (
                 SELECT FROM jobs j WHERE j.user_id = $1 AND j.batch_id = b.batch_id AND j.stream_id = s.stream_id)
             ORDER BY b.created_at DESC, b.batch_id DESC LIMIT 1
         ) AS run ON true",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(consented.iter().map(|stream| stream.stream_id.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(consented.iter().map(|stream| stream.account_id.0).collect::<Vec<_>>())
    .bind::<Array<Nullable<SqlUuid>>, _>(consented.iter().map(|stream| stream.preview_id.map(|id| id.0)).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(
        consented.iter().map(|stream| JobKind::normalize_of(stream.service).as_str()).collect::<Vec<_>>(),
    )
    .load(&mut **tx)
    .await?;
    let facts = |stream: &Stream| match rows.iter().find(|row| row.stream_id == stream.stream_id) {
        Some(row) => {
            let last_run = row.batch.map(|batch| LastRun { batch, gave_up: row.gave_up, was_blocked: row.was_blocked });
            stream.facts(last_run, row.is_waiting, row.has_failed)
        }
        None => stream.facts(None, false, false),
    };
    Ok(streams.iter().map(facts).collect())
}

impl Stream {
    const fn facts(&self, last_run: Option<LastRun>, is_waiting: bool, has_failed: bool) -> StreamFacts {
        StreamFacts {
            stream: self.stream_id,
            service: self.service,
            is_consented: self.preview_id.is_some(),
            last_run,
            has_cursor: self.cursor.is_some(),
            is_listed: self.listed,
            was_complete: self.completed_at.is_some(),
            is_waiting,
            has_failed,
            is_covered: self.audited_at.is_some(),
        }
    }
}
