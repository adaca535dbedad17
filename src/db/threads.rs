//! Conversations and series: the interactions of an account that the provider holds together.

use chrono::{DateTime, Utc};
use diesel::{
    QueryableByName,
    sql_types::{Array, BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, people, statement::sql};
use crate::domain::ids::AccountId;

/// What a thread is called: its account, and its id at the provider.
pub type ThreadKey = (AccountId, String);

/// Of a thread's newest interactions, so many are asked who took part in them, and so many people are told.
const MOST_ROWS: i64 = 500;
const MOST_PEOPLE: i64 = 100;

/// What is known of a thread.
#[derive(Clone, Debug, QueryableByName)]
pub struct Thread {
    #[diesel(sql_type = SqlUuid)]
    account_id: AccountId,
    #[diesel(sql_type = Text)]
    thread: String,
    /// Interactions on the timeline; a copy is not counted again.
    #[diesel(sql_type = BigInt)]
    pub n_interactions: i64,
    #[diesel(sql_type = Timestamptz)]
    pub first_at: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    pub last_at: DateTime<Utc>,
    /// That of the newest interaction.
    #[diesel(sql_type = Text)]
    pub subject: String,
}

/// Someone who took part in a thread.
#[derive(Clone, Debug, QueryableByName)]
pub struct Face {
    #[diesel(sql_type = SqlUuid)]
    account_id: AccountId,
    #[diesel(sql_type = Text)]
    thread: String,
    #[diesel(sql_type = Text)]
    pub address: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub name: Option<String>,
}

impl Thread {
    /// Its name.
    pub fn key(&self) -> ThreadKey {
        (self.account_id, self.thread.clone())
    }

    /// Those of these threads that there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of(tx: &mut Tx, keys: &[ThreadKey]) -> Result<Vec<Self>> {
        // Copies are told apart as they are where they are hidden (`super::copies`).
        let threads = sql(
            "SELECT wanted.account_id, wanted.thread, t.n_interactions, t.first_at, t.last_at, newest.subject
             FROM unnest($2, $3) AS wanted (account_id, thread)
             CROSS JOIN LATERAL (
                 SELECT min(occurred_at) AS first_at, max(occurred_at) AS last_at, count(DISTINCT (
                     coalesce(universal_id, interaction_id::text), occurrence, kind,
                     CASE WHEN kind = 'email' THEN subject END, CASE WHEN kind = 'email' THEN sent_at END)) AS n_interactions
                 FROM interactions WHERE user_id = $1 AND thread = wanted.thread AND account_id = wanted.account_id
             ) AS t
             CROSS JOIN LATERAL (
                 SELECT subject FROM interactions WHERE user_id = $1 AND thread = wanted.thread AND account_id = wanted.account_id
                 ORDER BY occurred_at DESC, interaction_id DESC LIMIT 1
             ) AS newest",
        )
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Array<SqlUuid>, _>(keys.iter().map(|(account, _)| account.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|(_, thread)| thread.as_str()).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
        Ok(threads)
    }
}

impl Face {
    /// Where they took part.
    pub fn key(&self) -> ThreadKey {
        (self.account_id, self.thread.clone())
    }

    /// Who took part in these threads beside the owner, in each the last one first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of(tx: &mut Tx, keys: &[ThreadKey]) -> Result<Vec<Self>> {
        let own = people::own(tx).await?;
        let faces = sql(
            "SELECT wanted.account_id, wanted.thread, faces.address, faces.name
             FROM unnest($2, $3) AS wanted (account_id, thread)
             CROSS JOIN LATERAL (
                 SELECT p.address, max(i.occurred_at) AS last_at,
                     (array_agg(p.name ORDER BY i.occurred_at DESC) FILTER (WHERE p.name IS NOT NULL))[1] AS name
                 FROM (
                     SELECT interaction_id, occurred_at FROM interactions
                     WHERE user_id = $1 AND thread = wanted.thread AND account_id = wanted.account_id
                     ORDER BY occurred_at DESC, interaction_id DESC LIMIT $4
                 ) AS i
                 CROSS JOIN LATERAL (
                     SELECT address, name FROM interaction_people WHERE user_id = $1 AND interaction_id = i.interaction_id OFFSET 0
                 ) AS p
                 WHERE p.address <> ALL ($6) GROUP BY p.address ORDER BY last_at DESC, p.address LIMIT $5
             ) AS faces
             ORDER BY wanted.account_id, wanted.thread, faces.last_at DESC, faces.address",
        )
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Array<SqlUuid>, _>(keys.iter().map(|(account, _)| account.0).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(keys.iter().map(|(_, thread)| thread.as_str()).collect::<Vec<_>>())
        .bind::<BigInt, _>(MOST_ROWS)
        .bind::<BigInt, _>(MOST_PEOPLE)
        .bind::<Array<Text>, _>(own)
        .load(&mut **tx)
        .await?;
        Ok(faces)
    }
}
