//! What has changed on a timeline, and when: for whoever keeps a copy of it in step.
//!
//! Each interaction has one row, which says where it last changed; what it is now, the interaction says. So there is no history to keep,
//! and what changed a hundred times is told once. Positions are drawn from a row that is held until the commit: whoever sees one sees
//! all that come before it, which would not be so of a sequence. Nothing is noted for people of whom nobody follows the timeline.

use diesel::{
    OptionalExtension, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Result, Tx, schema::timelines, statement::sql};
use crate::domain::ids::{InteractionId, UserId};

/// For how many days changes are known. Who was away for longer reads the timeline anew.
const KEPT_DAYS: i32 = 7;

/// What a projection has made of a row of the timeline.
#[derive(Clone, Debug, QueryableByName)]
pub struct Written {
    #[diesel(sql_type = SqlUuid)]
    pub interaction_id: InteractionId,
    /// Whether it was not there before.
    #[diesel(sql_type = Bool)]
    pub is_new: bool,
}

/// What every copy of an interaction has in common: its universal id, and which occurrence it is.
pub type CopyName = (String, String);

/// What a transaction has changed on the timeline.
#[derive(Debug, Default)]
pub struct Changes {
    pub written: Vec<Written>,
    pub removed: Vec<InteractionId>,
    /// The names of all of these, as far as they have any: with one copy, others may come into sight or go out of it.
    pub names: Vec<CopyName>,
}

/// Notes what this transaction has changed. Last, because from here on nobody else can change the person's timeline.
///
/// # Errors
/// When the database refuses, or the wait outlasts the connection's lock timeout ([`super::Error::is_lock_timeout`]).
pub async fn note(tx: &mut Tx, changes: &Changes) -> Result<()> {
    if changes.written.is_empty() && changes.removed.is_empty() {
        return Ok(());
    }
    let Some(position) = next_position(tx).await? else { return Ok(()) };
    let (names, occurrences): (Vec<&str>, Vec<&str>) =
        changes.names.iter().map(|(name, occurrence)| (name.as_str(), occurrence.as_str())).unzip();
    let ids = changes.written.iter().map(|one| one.interaction_id).chain(changes.removed.iter().copied());
    let is_new = changes.written.iter().map(|one| one.is_new).chain(changes.removed.iter().map(|_| false));
    // The names are looked up once each, for all occurrences of a series bear the same; the order lets no two writers wait for each
    // other.
    sql(
        "INSERT INTO timeline_changes (user_id, interaction_id, position, added_at_position, changed_at)
         SELECT $1, touched.id, $2, CASE WHEN bool_or(touched.is_new) THEN $2 ELSE 0 END, now()
         FROM (
             SELECT * FROM unnest($3, $4) AS own (id, is_new)
             UNION ALL
             SELECT copy.interaction_id, false FROM (SELECT DISTINCT name FROM unnest($5) AS n (name)) AS named
             CROSS JOIN LATERAL (
                 SELECT interaction_id, universal_id, occurrence FROM interactions
                 WHERE user_id = $1 AND universal_id = named.name OFFSET 0
             ) AS copy
             WHERE (copy.universal_id, copy.occurrence) IN (SELECT * FROM unnest($5, $6))
         ) AS touched
         GROUP BY touched.id ORDER BY touched.id
         ON CONFLICT (user_id, interaction_id) DO UPDATE SET position = excluded.position, changed_at = excluded.changed_at",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<BigInt, _>(position)
    .bind::<Array<SqlUuid>, _>(ids.map(|id| id.0).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(is_new.collect::<Vec<_>>())
    .bind::<Array<Text>, _>(names)
    .bind::<Array<Text>, _>(occurrences)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The position of this transaction; `None` where nobody follows, to whom it would be told.
async fn next_position(tx: &mut Tx) -> Result<Option<i64>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        position: i64,
        #[diesel(sql_type = Bool)]
        is_followed: bool,
    }
    let row: Row = sql(
        "INSERT INTO timelines AS t (user_id, position, forgotten_to) VALUES ($1, 1, 1)
         ON CONFLICT (user_id) DO UPDATE SET position = t.position + 1,
             forgotten_to = CASE WHEN t.followed_until > now() THEN t.forgotten_to ELSE t.position + 1 END,
             purge_at = CASE WHEN t.followed_until > now() THEN coalesce(t.purge_at, now() + make_interval(days => $2)) ELSE t.purge_at END
         RETURNING t.position, coalesce(t.followed_until > now(), false) AS is_followed",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Integer, _>(KEPT_DAYS)
    .get_result(&mut **tx)
    .await?;
    Ok(row.is_followed.then_some(row.position))
}

/// Has changes noted from now on, for longer than they are kept. To be committed before anybody asks where they begin.
///
/// Waits for whoever changes the timeline at this moment: what they have not noted is there when it is read.
///
/// # Errors
/// When the database refuses.
pub async fn follow(tx: &mut Tx) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        is_followed: bool,
    }
    let looked = "SELECT EXISTS (SELECT FROM timelines WHERE user_id = $1 AND followed_until > now() + make_interval(days => $2)) AS is_followed";
    let row: Row =
        sql(looked).bind::<SqlUuid, _>(tx.user().0).bind::<Integer, _>(KEPT_DAYS).get_result(&mut **tx).await?;
    if row.is_followed {
        return Ok(());
    }
    sql("INSERT INTO timelines (user_id, position, followed_until) VALUES ($1, 0, now() + make_interval(days => $2))
         ON CONFLICT (user_id) DO UPDATE SET followed_until = excluded.followed_until")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Integer, _>(KEPT_DAYS + 2)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A place among the changes: behind this interaction, of those that changed at the position. The order is that in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub position: i64,
    pub interaction: Uuid,
}

impl Place {
    /// Behind all that changed at a position.
    pub const fn behind(position: i64) -> Self {
        Self { position, interaction: Uuid::max() }
    }
}

/// How far a timeline has come, and from where on its changes are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Behind the last change.
    pub head: Place,
    /// The first place from which nothing is missing.
    pub since: Place,
}

/// What is known of the changes of the person's timeline.
///
/// # Errors
/// When the database refuses.
pub async fn known(tx: &mut Tx) -> Result<Known> {
    let query = timelines::table.find(tx.user().0).select((timelines::position, timelines::forgotten_to));
    let found: Option<(i64, i64)> = query.first(&mut **tx).await.optional()?;
    let (head, since) = found.unwrap_or_default();
    Ok(Known { head: Place::behind(head), since: Place::behind(since) })
}

/// Where an interaction last changed.
#[derive(Clone, Debug, QueryableByName)]
pub struct Change {
    #[diesel(sql_type = SqlUuid)]
    pub interaction_id: InteractionId,
    #[diesel(sql_type = BigInt)]
    pub position: i64,
    #[diesel(sql_type = BigInt)]
    added_at_position: i64,
}

impl Change {
    /// The place behind it.
    pub const fn place(&self) -> Place {
        Place { position: self.position, interaction: self.interaction_id.0 }
    }

    /// Whether it has never been there until somebody was at this place. What was removed and has come back was.
    pub fn is_added_since(&self, place: Place) -> bool {
        Place { position: self.added_at_position, interaction: self.interaction_id.0 } > place
    }
}

/// Up to `limit` changes behind a place, in their order.
///
/// # Errors
/// When the database refuses.
pub async fn since(tx: &mut Tx, place: Place, limit: i64) -> Result<Vec<Change>> {
    let changes = sql("SELECT interaction_id, position, added_at_position FROM timeline_changes
         WHERE user_id = $1 AND (position, interaction_id) > ($2, $3) ORDER BY position, interaction_id LIMIT $4")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<BigInt, _>(place.position)
    .bind::<SqlUuid, _>(place.interaction)
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    Ok(changes)
}

/// Up to `limit` people of whom changes can be forgotten. For the scheduler's role.
///
/// # Errors
/// When the database refuses.
pub async fn due(tx: &mut Tx, limit: i64) -> Result<Vec<UserId>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        user_id: UserId,
    }
    let due = "SELECT user_id FROM timelines WHERE purge_at <= now() ORDER BY purge_at LIMIT $1";
    let rows: Vec<Row> = sql(due).bind::<BigInt, _>(limit).load(&mut **tx).await?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Forgets up to `limit` of the person's oldest changes, as far as they are old enough; tells whether there may be more.
///
/// # Errors
/// When the database refuses.
pub async fn forget(tx: &mut Tx, limit: i64) -> Result<bool> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n_gone: i64,
    }
    // Whoever changes the timeline waits for its row, so none of these changes again meanwhile.
    sql("SELECT FROM timelines WHERE user_id = $1 FOR UPDATE")
        .bind::<SqlUuid, _>(tx.user().0)
        .execute(&mut **tx)
        .await?;
    let row: Row = sql(
        "WITH gone AS (
             DELETE FROM timeline_changes WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM (
                     SELECT ctid, changed_at FROM timeline_changes WHERE user_id = $1 ORDER BY position, interaction_id LIMIT $3
                 ) AS oldest
                 WHERE changed_at < now() - make_interval(days => $2)
             )) RETURNING position
         ), forgotten AS (
             UPDATE timelines SET forgotten_to = greatest(forgotten_to, (SELECT max(position) FROM gone)) WHERE user_id = $1
         )
         SELECT count(*) AS n_gone FROM gone",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Integer, _>(KEPT_DAYS)
    .bind::<BigInt, _>(limit)
    .get_result(&mut **tx)
    .await?;
    sql("UPDATE timelines SET purge_at = (
             SELECT changed_at + make_interval(days => $2) FROM timeline_changes WHERE user_id = $1
             ORDER BY position, interaction_id LIMIT 1
         ) WHERE user_id = $1")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Integer, _>(KEPT_DAYS)
    .execute(&mut **tx)
    .await?;
    Ok(row.n_gone == limit)
}
