//! Contacts as they are read, and what a person decides about them.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension,
    PgSortExpressionMethods, PgTextExpressionMethods, QueryDsl, Queryable, QueryableByName, Selectable,
    SelectableHelper,
    dsl::{exists, now},
    sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Result, Tx,
    interactions::{Between, Towards},
    schema::{contact_dismissals, contact_names, contacts, identities, sync_preferences},
    statement::sql,
};
use crate::domain::{
    ids::ContactId,
    people::{
        ContactPolicy,
        suggest::{EvidenceKind, Known, Pair},
    },
};

/// Someone whom a person knows.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = contacts, check_for_backend(diesel::pg::Pg))]
pub struct Contact {
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub n_wrote_to: i32,
    pub n_wrote: i32,
    pub n_met: i32,
    pub first_at: DateTime<Utc>,
    pub last_at: DateTime<Utc>,
}

/// An address of a contact.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = identities, check_for_backend(diesel::pg::Pg))]
pub struct Identity {
    pub address: String,
    pub contact_id: ContactId,
    pub name: Option<String>,
    pub n_wrote_to: i32,
    pub n_wrote: i32,
    pub n_met: i32,
    /// `None` where nothing is left but a decision.
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    pub is_hidden: bool,
    pub decided_at: Option<DateTime<Utc>>,
}

/// A person's policy says who of `$query` is a contact: nothing is left of it where nobody is.
macro_rules! under {
    ($policy:expr, $query:expr) => {
        match $policy {
            ContactPolicy::None => return Ok(Vec::new()),
            ContactPolicy::Sent => $query.filter(contacts::n_wrote_to.gt(0).or(contacts::is_decided)),
            ContactPolicy::All => $query,
        }
    };
}

async fn policy(tx: &mut Tx) -> Result<ContactPolicy> {
    let query = sync_preferences::table.find(tx.user().0).select(sync_preferences::contact_policy);
    Ok(query.first(&mut **tx).await.optional()?.unwrap_or(ContactPolicy::Sent))
}

impl Contact {
    /// Those of these contacts that there are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_ids(tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<Self>> {
        let query = contacts::table
            .filter(contacts::user_id.eq(tx.user().0))
            .filter(contacts::contact_id.eq_any(ids.iter().map(|id| id.0)))
            .select(Self::as_select())
            .into_boxed();
        Ok(under!(policy(tx).await?, query).load(&mut **tx).await?)
    }

    /// Whose these mailboxes are, as far as they are a contact's.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_addresses(tx: &mut Tx, addresses: &[String]) -> Result<Vec<(String, Self)>> {
        let is_theirs = contacts::user_id.eq(identities::user_id).and(contacts::contact_id.eq(identities::contact_id));
        let query = identities::table
            .inner_join(contacts::table.on(is_theirs))
            .filter(identities::user_id.eq(tx.user().0))
            .filter(identities::address.eq_any(addresses))
            .filter(identities::is_hidden.eq(false))
            .select((identities::address, Self::as_select()))
            .into_boxed();
        Ok(under!(policy(tx).await?, query).load(&mut **tx).await?)
    }

    /// Up to `limit` contacts from a place, between two places when both are given. `search` is the beginning of a word of the
    /// name or of an address.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        tx: &mut Tx,
        search: Option<&str>,
        (after, before): Between,
        towards: Towards,
        limit: i64,
    ) -> Result<Vec<Self>> {
        use contacts::dsl;
        let mut query =
            contacts::table.filter(dsl::user_id.eq(tx.user().0)).limit(limit).select(Self::as_select()).into_boxed();
        query = match towards {
            Towards::Older => query.order((dsl::last_at.desc(), dsl::contact_id.desc())),
            Towards::Newer => query.order((dsl::last_at.asc(), dsl::contact_id.asc())),
        };
        if let Some((at, id)) = after {
            // `last_at <= at` alone lets the index begin at the place; the rest settles ties.
            query = query.filter(dsl::last_at.le(at).and(dsl::last_at.lt(at).or(dsl::contact_id.lt(id))));
        }
        if let Some((at, id)) = before {
            query = query.filter(dsl::last_at.ge(at).and(dsl::last_at.gt(at).or(dsl::contact_id.gt(id))));
        }
        if let Some(search) = search {
            let start = format!("{}%", search.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
            let by_address = identities::table
                .filter(identities::user_id.eq(tx.user().0))
                .filter(identities::contact_id.eq(dsl::contact_id))
                .filter(identities::is_hidden.eq(false))
                .filter(identities::address.ilike(start.clone()));
            let by_name = dsl::name.ilike(start.clone()).or(dsl::name.ilike(format!("% {start}")));
            query = query.filter(by_name.or(exists(by_address).nullable()));
        }
        Ok(under!(policy(tx).await?, query).load(&mut **tx).await?)
    }
}

impl Identity {
    /// The addresses of these contacts, hidden ones and those without interactions included, each contact's newest first.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_contacts(tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<Self>> {
        let query = identities::table
            .filter(identities::user_id.eq(tx.user().0))
            .filter(identities::contact_id.eq_any(ids.iter().map(|id| id.0)))
            .order((identities::last_at.desc().nulls_last(), identities::address))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// Whose these addresses are.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn of_addresses(tx: &mut Tx, addresses: &[String]) -> Result<Vec<Self>> {
        let query = identities::table
            .filter(identities::user_id.eq(tx.user().0))
            .filter(identities::address.eq_any(addresses))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// The addresses of the contacts that were met last, with their names, up to `limit`.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn newest(tx: &mut Tx, limit: i64) -> Result<Vec<Known>> {
        let is_theirs = contacts::user_id.eq(identities::user_id).and(contacts::contact_id.eq(identities::contact_id));
        let query = contacts::table
            .inner_join(identities::table.on(is_theirs))
            .filter(contacts::user_id.eq(tx.user().0))
            .filter(identities::is_hidden.eq(false))
            .order((contacts::last_at.desc(), contacts::contact_id.desc()))
            .limit(limit)
            .select((contacts::contact_id, identities::address, identities::name))
            .into_boxed();
        let rows: Vec<(ContactId, String, Option<String>)> = under!(policy(tx).await?, query).load(&mut **tx).await?;
        let known = |(contact, address, name): (_, _, Option<String>)| Some(Known { contact, address, name: name? });
        Ok(rows.into_iter().filter_map(known).collect())
    }
}

/// Says whose these addresses are: the person has decided.
///
/// # Errors
/// When the database refuses.
pub async fn decide(tx: &mut Tx, addresses: &[String], contact: ContactId) -> Result<()> {
    let theirs =
        identities::table.filter(identities::user_id.eq(tx.user().0)).filter(identities::address.eq_any(addresses));
    let decided = (identities::contact_id.eq(contact.0), identities::decided_at.eq(now));
    diesel::update(theirs).set(decided).execute(&mut **tx).await?;
    Ok(())
}

/// The names that the person gave to these contacts.
///
/// # Errors
/// When the database refuses.
pub async fn given_names(tx: &mut Tx, ids: &[ContactId]) -> Result<Vec<(ContactId, String)>> {
    let query = contact_names::table
        .filter(contact_names::user_id.eq(tx.user().0))
        .filter(contact_names::contact_id.eq_any(ids.iter().map(|id| id.0)))
        .select((contact_names::contact_id, contact_names::name));
    Ok(query.load(&mut **tx).await?)
}

/// Gives a contact a name; `None` takes it back.
///
/// # Errors
/// When the database refuses.
pub async fn give_name(tx: &mut Tx, contact: ContactId, name: Option<&str>) -> Result<()> {
    let Some(name) = name else {
        diesel::delete(contact_names::table.find((tx.user().0, contact.0))).execute(&mut **tx).await?;
        return Ok(());
    };
    let row =
        (contact_names::user_id.eq(tx.user().0), contact_names::contact_id.eq(contact.0), contact_names::name.eq(name));
    diesel::insert_into(contact_names::table)
        .values(row)
        .on_conflict((contact_names::user_id, contact_names::contact_id))
        .do_update()
        .set(contact_names::name.eq(name))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// Two contacts in the order in which a pair is written.
fn ordered(left: ContactId, right: ContactId) -> (ContactId, ContactId) {
    if left < right { (left, right) } else { (right, left) }
}

/// Pairs of contacts that the person has said are different people.
#[derive(Debug, Default)]
pub struct Dismissals(HashSet<(ContactId, ContactId)>);

impl Dismissals {
    /// All there are, or those of these contacts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn load(tx: &mut Tx, of: Option<&[ContactId]>) -> Result<Self> {
        use contact_dismissals::dsl;
        let mut query = contact_dismissals::table
            .filter(dsl::user_id.eq(tx.user().0))
            .select((dsl::contact_id, dsl::other_id))
            .into_boxed();
        if let Some(ids) = of {
            let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
            query = query.filter(dsl::contact_id.eq_any(ids.clone()).or(dsl::other_id.eq_any(ids)));
        }
        let pairs: Vec<(ContactId, ContactId)> = query.load(&mut **tx).await?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// Whether these two are different people.
    pub fn hold(&self, left: ContactId, right: ContactId) -> bool {
        self.0.contains(&ordered(left, right))
    }

    /// The contacts from which one of these is different.
    pub fn others(&self, of: &[ContactId]) -> Vec<ContactId> {
        let pairs = self.0.iter().flat_map(|(left, right)| [(left, right), (right, left)]);
        pairs.filter(|(one, other)| of.contains(one) && !of.contains(other)).map(|(_, other)| *other).collect()
    }
}

/// Notes that these are pairs of different people. Returns how many pairs are new.
///
/// # Errors
/// When the database refuses.
pub async fn dismiss(tx: &mut Tx, pairs: &[(ContactId, ContactId)]) -> Result<usize> {
    let pairs: Vec<_> = pairs.iter().map(|(left, right)| ordered(*left, *right)).collect();
    let added = sql("INSERT INTO contact_dismissals (user_id, contact_id, other_id)
         SELECT $1, one, other FROM unnest($2, $3) AS pair (one, other) ON CONFLICT DO NOTHING")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(pairs.iter().map(|(one, _)| one.0).collect::<Vec<_>>())
    .bind::<Array<SqlUuid>, _>(pairs.iter().map(|(_, other)| other.0).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(added)
}

/// Forgets the names and the dismissals of contacts that are no more.
///
/// # Errors
/// When the database refuses.
pub async fn forget(tx: &mut Tx, ids: &[ContactId]) -> Result<()> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    let names = contact_names::table.filter(contact_names::user_id.eq(tx.user().0));
    diesel::delete(names.filter(contact_names::contact_id.eq_any(&ids))).execute(&mut **tx).await?;
    let is_theirs = contact_dismissals::contact_id.eq_any(&ids).or(contact_dismissals::other_id.eq_any(&ids));
    let dismissals = contact_dismissals::table.filter(contact_dismissals::user_id.eq(tx.user().0));
    diesel::delete(dismissals.filter(is_theirs)).execute(&mut **tx).await?;
    Ok(())
}

/// Adds to pairs of addresses what the mail of both says. Looked at are the newest `depth` interactions of the first of each.
///
/// # Errors
/// When the database refuses.
pub async fn add_evidence(tx: &mut Tx, pairs: &mut [Pair], depth: i64) -> Result<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        n: i64,
        #[diesel(sql_type = Bool)]
        answers: bool,
        #[diesel(sql_type = Bool)]
        talks: bool,
    }
    let rows: Vec<Row> = sql(
        "SELECT pair.n, coalesce(bool_or(both_in.relations IN ('wrote reply_to', 'reply_to wrote')), false) AS answers,
             coalesce(bool_or(near.is_talk) AND NOT bool_or(both_in.relations IS NOT NULL), false) AS talks
         FROM unnest($2, $3) WITH ORDINALITY AS pair (one, other, n)
         CROSS JOIN LATERAL (
             SELECT interaction_id FROM interaction_people
             WHERE user_id = $1 AND address = pair.one ORDER BY occurred_at DESC, interaction_id DESC LIMIT $4
         ) AS newest
         CROSS JOIN LATERAL (
             SELECT interaction_id, relation FROM interaction_people
             WHERE user_id = $1 AND interaction_id = newest.interaction_id AND address = pair.one OFFSET 0
         ) AS part
         LEFT JOIN LATERAL (
             SELECT part.relation || ' ' || relation AS relations FROM interaction_people
             WHERE user_id = $1 AND interaction_id = part.interaction_id AND address = pair.other OFFSET 0
         ) AS both_in ON true
         LEFT JOIN LATERAL (
             SELECT EXISTS (
                 SELECT FROM (
                     SELECT interaction_id FROM interactions
                     WHERE user_id = $1 AND thread = i.thread ORDER BY occurred_at DESC, interaction_id DESC LIMIT $4
                 ) AS talk
                 WHERE EXISTS (
                     SELECT FROM interaction_people
                     WHERE user_id = $1 AND interaction_id = talk.interaction_id AND address = pair.other OFFSET 0)
             ) AS is_talk
             FROM interactions i
             WHERE i.user_id = $1 AND i.interaction_id = part.interaction_id AND i.kind = 'email' AND i.thread IS NOT NULL
         ) AS near ON true
         GROUP BY pair.n",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<Text>, _>(pairs.iter().map(|pair| pair.addresses[0].as_str()).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(pairs.iter().map(|pair| pair.addresses[1].as_str()).collect::<Vec<_>>())
    .bind::<BigInt, _>(depth)
    .load(&mut **tx)
    .await?;
    for Row { n, answers, talks } in rows {
        let place = usize::try_from(n - 1).unwrap_or(usize::MAX);
        if let Some(pair) = pairs.get_mut(place) {
            let said = [(answers, EvidenceKind::ReplyTo), (talks, EvidenceKind::SameConversation)];
            pair.evidence.extend(said.into_iter().filter(|(is_true, _)| *is_true).map(|(_, kind)| kind));
        }
    }
    Ok(())
}
