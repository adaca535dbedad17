//! Who took part in what, and the identities and contacts that are made of it.
//!
//! What a projection changes is worked out as a difference, so that a chunk costs the same however much mail someone has sent.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, QueryDsl, QueryableByName,
    sql_types::{Array, BigInt, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{
    Result, Tx,
    accounts::Account,
    interactions::{Between, Keyset, Towards},
    schema::{contacts, identities, interaction_people},
    statement::sql,
};
use crate::domain::{
    ids::{ContactId, InteractionId},
    people::{self, Person, Relation},
};

/// Waits until nobody else changes a person's identities and contacts, and keeps others away until the transaction ends.
///
/// Two streams of one person may be projected at once, and the person may decide something meanwhile. Whoever holds this sees
/// what the others have written, and no two of them wait for each other's rows. It is taken after a stream, never before.
///
/// # Errors
/// As [`super::locks::hold_stream`].
pub async fn hold(tx: &mut Tx) -> Result<()> {
    sql("SELECT pg_advisory_xact_lock(hashtextextended($1, 1))")
        .bind::<Text, _>(tx.user().to_string())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The mailboxes of the person's accounts, also of those that were disconnected.
///
/// # Errors
/// When the database refuses.
pub async fn own(tx: &mut Tx) -> Result<Vec<String>> {
    Ok(own_of(&Account::all(tx).await?))
}

/// The mailboxes of these accounts.
pub fn own_of(accounts: &[Account]) -> Vec<String> {
    accounts.iter().flat_map(Account::own_addresses).map(|address| people::mailbox(&address)).collect()
}

/// Who took part in one interaction.
#[derive(Clone, Debug)]
pub struct Presence {
    pub interaction: InteractionId,
    pub occurred_at: DateTime<Utc>,
    pub people: Vec<Person>,
}

/// What is known of an address in one interaction.
type Fact = (DateTime<Utc>, Relation, Option<String>);

/// How often an address was met in each of the counted ways, and by how much that has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Change {
    wrote_to: i32,
    wrote: i32,
    met: i32,
}

impl Change {
    fn add(&mut self, relation: Relation, n: i32) {
        match relation {
            Relation::WroteTo => self.wrote_to += n,
            Relation::Wrote => self.wrote += n,
            Relation::Met => self.met += n,
            Relation::ReplyTo | Relation::Other => {}
        }
    }

    fn is_more(self) -> bool {
        self.wrote_to > 0 || self.wrote > 0 || self.met > 0
    }

    fn is_less(self) -> bool {
        self.wrote_to < 0 || self.wrote < 0 || self.met < 0
    }
}

/// What is known of who took part, by address, in one interaction.
type Facts = HashMap<String, Fact>;

/// What has to be written so that the rows are what they should be.
#[derive(Debug, Default)]
struct Difference {
    /// The interactions that somebody leaves; nobody stays in them but who is written.
    cleared: Vec<Uuid>,
    written: Vec<(Uuid, String, Fact)>,
    changes: BTreeMap<String, Change>,
}

impl Difference {
    fn between(mut old: HashMap<Uuid, Facts>, new: &[Presence]) -> Self {
        let mut difference = Self::default();
        for presence in new {
            let interaction = presence.interaction.0;
            let mut before = old.remove(&interaction).unwrap_or_default();
            let mut same = Vec::new();
            for Person { address, relation, name } in &presence.people {
                let fact = (presence.occurred_at, *relation, name.clone());
                let was = before.remove(address);
                if was.as_ref() == Some(&fact) {
                    same.push((interaction, address.clone(), fact));
                    continue;
                }
                if let Some((_, relation, _)) = was {
                    difference.change(address).add(relation, -1);
                }
                difference.change(address).add(*relation, 1);
                difference.written.push((interaction, address.clone(), fact));
            }
            if !before.is_empty() {
                difference.clear(interaction, before);
                difference.written.append(&mut same);
            }
        }
        for (interaction, before) in old {
            difference.clear(interaction, before);
        }
        difference
    }

    fn change(&mut self, address: &str) -> &mut Change {
        self.changes.entry(address.to_owned()).or_default()
    }

    fn clear(&mut self, interaction: Uuid, leaving: Facts) {
        for (address, (_, relation, _)) in leaving {
            self.change(&address).add(relation, -1);
        }
        self.cleared.push(interaction);
    }
}

/// Makes who took part in these interactions exactly what `present` says, nobody in those in `gone`, and brings identities and
/// contacts up to date. The caller holds the stream they come from.
///
/// # Errors
/// When the database refuses.
pub async fn replace(tx: &mut Tx, gone: &[InteractionId], present: &[Presence]) -> Result<()> {
    let interactions: Vec<Uuid> =
        gone.iter().copied().chain(present.iter().map(|one| one.interaction)).map(|id| id.0).collect();
    let difference = Difference::between(facts(tx, &interactions).await?, present);
    if difference.changes.is_empty() {
        return Ok(());
    }
    clear(tx, &difference.cleared).await?;
    insert(tx, &difference.written).await?;
    hold(tx).await?;
    count(tx, &difference.changes).await
}

async fn facts(tx: &mut Tx, interactions: &[Uuid]) -> Result<HashMap<Uuid, Facts>> {
    #[derive(QueryableByName)]
    #[diesel(table_name = interaction_people, check_for_backend(diesel::pg::Pg))]
    struct Row {
        interaction_id: Uuid,
        address: String,
        occurred_at: DateTime<Utc>,
        relation: Relation,
        name: Option<String>,
    }
    let rows: Vec<Row> = sql("SELECT p.* FROM unnest($2) AS wanted (id) CROSS JOIN LATERAL (
             SELECT interaction_id, address, occurred_at, relation, name FROM interaction_people
             WHERE user_id = $1 AND interaction_id = wanted.id OFFSET 0
         ) AS p")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(interactions)
    .load(&mut **tx)
    .await?;
    let mut facts = HashMap::<Uuid, Facts>::new();
    for Row { interaction_id, address, occurred_at, relation, name } in rows {
        facts.entry(interaction_id).or_default().insert(address, (occurred_at, relation, name));
    }
    Ok(facts)
}

/// Deletes who took part in these interactions, each by the head of its key; why,
/// [`super::raw_events::delete`] says. With the address beside it, the planner may prefer the index of addresses, and read all that
/// a mailing list was ever part of.
async fn clear(tx: &mut Tx, interactions: &[Uuid]) -> Result<()> {
    use interaction_people::dsl;
    let user = tx.user();
    let rows = |interaction: Uuid| {
        dsl::interaction_people.filter(dsl::user_id.eq(user.0)).filter(dsl::interaction_id.eq(interaction))
    };
    tx.each(interactions.iter().map(|interaction| diesel::delete(rows(*interaction)))).await
}

async fn insert(tx: &mut Tx, written: &[(Uuid, String, Fact)]) -> Result<()> {
    if written.is_empty() {
        return Ok(());
    }
    sql("INSERT INTO interaction_people (user_id, interaction_id, address, occurred_at, relation, name)
         SELECT $1, r.a, r.b, r.c, r.d, r.e FROM unnest($2, $3, $4, $5, $6) AS r (a, b, c, d, e)
         ON CONFLICT (user_id, interaction_id, address) DO UPDATE SET
             occurred_at = excluded.occurred_at, relation = excluded.relation, name = excluded.name")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(written.iter().map(|(interaction, ..)| *interaction).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(written.iter().map(|(_, address, _)| address.as_str()).collect::<Vec<_>>())
    .bind::<Array<Timestamptz>, _>(written.iter().map(|(_, _, (at, ..))| *at).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(written.iter().map(|(_, _, (_, relation, _))| relation.as_str()).collect::<Vec<_>>())
    .bind::<Array<Nullable<Text>>, _>(written.iter().map(|(_, _, (.., name))| name.as_deref()).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

#[derive(QueryableByName)]
struct Touched {
    #[diesel(sql_type = SqlUuid)]
    contact_id: ContactId,
}

/// Brings the identities of these addresses up to date, and their contacts. The caller holds the person's people.
async fn count(tx: &mut Tx, changes: &BTreeMap<String, Change>) -> Result<()> {
    let new: Vec<&String> = changes.iter().filter(|(_, change)| change.is_more()).map(|(address, _)| address).collect();
    begin(tx, &new).await?;
    let column = |value: fn(&Change) -> i32| changes.values().map(value).collect::<Vec<i32>>();
    let addresses: Vec<&str> = changes.keys().map(String::as_str).collect();
    // Each of these is the end of an index, however much there is of an address.
    let touched: Vec<Touched> = sql(
        "WITH changed AS (
             SELECT i.tid, c.wrote_to, c.wrote, c.met, ends.first_at, ends.last_at, called.name
             FROM unnest($2, $3, $4, $5) AS c (address, wrote_to, wrote, met)
             CROSS JOIN LATERAL (
                 SELECT ctid AS tid FROM identities WHERE user_id = $1 AND address = c.address OFFSET 0
             ) AS i
             CROSS JOIN LATERAL (
                 SELECT (
                     SELECT occurred_at FROM interaction_people WHERE user_id = $1 AND address = c.address
                     ORDER BY occurred_at, interaction_id LIMIT 1
                 ) AS first_at, (
                     SELECT occurred_at FROM interaction_people WHERE user_id = $1 AND address = c.address
                     ORDER BY occurred_at DESC, interaction_id DESC LIMIT 1
                 ) AS last_at
             ) AS ends
             LEFT JOIN LATERAL (
                 SELECT name FROM interaction_people WHERE user_id = $1 AND address = c.address AND name IS NOT NULL
                 ORDER BY relation = 'wrote' DESC, occurred_at DESC, interaction_id DESC LIMIT 1
             ) AS called ON true
         )
         UPDATE identities i SET n_wrote_to = n_wrote_to + c.wrote_to, n_wrote = n_wrote + c.wrote, n_met = n_met + c.met,
             first_at = c.first_at, last_at = c.last_at, name = c.name
         FROM changed c WHERE i.ctid = c.tid RETURNING i.contact_id",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<Text>, _>(&addresses)
    .bind::<Array<Integer>, _>(column(|change| change.wrote_to))
    .bind::<Array<Integer>, _>(column(|change| change.wrote))
    .bind::<Array<Integer>, _>(column(|change| change.met))
    .load(&mut **tx)
    .await?;
    forget(tx, changes.iter().filter(|(_, change)| change.is_less()).map(|(address, _)| address)).await?;
    refresh(tx, touched.into_iter().map(|one| one.contact_id).collect()).await
}

/// Deletes those of these identities of which nothing is left, neither a count nor a decision; each by its key, as in [`clear`].
async fn forget(tx: &mut Tx, addresses: impl Iterator<Item = &String>) -> Result<()> {
    use identities::dsl;
    let user = tx.user();
    let row = |address: &String| {
        let row = identities::table.find((user.0, address.clone())).filter(dsl::decided_at.is_null());
        row.filter(dsl::n_wrote_to.eq(0)).filter(dsl::n_wrote.eq(0)).filter(dsl::n_met.eq(0))
    };
    tx.each(addresses.map(|address| diesel::delete(row(address)))).await
}

/// Makes identities of addresses that are none yet, each a contact of its own.
async fn begin(tx: &mut Tx, addresses: &[&String]) -> Result<()> {
    if addresses.is_empty() {
        return Ok(());
    }
    // Asked for again, now that nobody else can change who is hidden: an account may have been linked meanwhile.
    let (own, user) = (own(tx).await?, tx.user());
    // The names travel as one text each: arrays of arrays would come out of unnest flattened.
    sql(
        "INSERT INTO identities (user_id, address, contact_id, names, is_hidden)
         SELECT $1, n.address, n.contact_id, string_to_array(n.names, E'\\x1f'), n.is_own OR EXISTS (
             SELECT FROM blocklist b WHERE b.user_id = $1 AND b.entry = ANY (string_to_array(n.names, E'\\x1f')) OFFSET 0)
         FROM unnest($2, $3, $4, $5) AS n (address, contact_id, names, is_own)
         ON CONFLICT (user_id, address) DO NOTHING",
    )
    .bind::<SqlUuid, _>(user.0)
    .bind::<Array<Text>, _>(addresses)
    .bind::<Array<SqlUuid>, _>(
        addresses.iter().map(|address| ContactId::of_address(user, address).0).collect::<Vec<_>>(),
    )
    .bind::<Array<Text>, _>(addresses.iter().map(|address| people::names(address).join("\u{1f}")).collect::<Vec<_>>())
    .bind::<Array<Bool>, _>(addresses.iter().map(|address| own.contains(address)).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Makes contacts what their identities say. The caller holds the person's people.
///
/// # Errors
/// When the database refuses.
pub async fn refresh(tx: &mut Tx, mut contacts: Vec<ContactId>) -> Result<()> {
    contacts.sort_unstable();
    contacts.dedup();
    if contacts.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = contacts.iter().map(|contact| contact.0).collect();
    let shown: Vec<Touched> = sql(
        "INSERT INTO contacts (user_id, contact_id, name, n_wrote_to, n_wrote, n_met, first_at, last_at, is_decided)
         SELECT $1, wanted.contact_id, coalesce(given.name, s.name), s.n_wrote_to, s.n_wrote, s.n_met, s.first_at, s.last_at, s.is_decided
         FROM unnest($2) AS wanted (contact_id)
         CROSS JOIN LATERAL (
             SELECT sum(n_wrote_to) AS n_wrote_to, sum(n_wrote) AS n_wrote, sum(n_met) AS n_met, min(first_at) AS first_at,
                 max(last_at) AS last_at, bool_or(decided_at IS NOT NULL) AS is_decided,
                 (array_agg(name ORDER BY n_wrote_to + n_wrote + n_met DESC, address) FILTER (WHERE name IS NOT NULL))[1] AS name
             FROM identities WHERE user_id = $1 AND contact_id = wanted.contact_id AND NOT is_hidden
         ) AS s
         LEFT JOIN LATERAL (
             SELECT name FROM contact_names WHERE user_id = $1 AND contact_id = wanted.contact_id OFFSET 0
         ) AS given ON true
         WHERE s.last_at IS NOT NULL
         ON CONFLICT (user_id, contact_id) DO UPDATE SET
             name = excluded.name, n_wrote_to = excluded.n_wrote_to, n_wrote = excluded.n_wrote, n_met = excluded.n_met,
             first_at = excluded.first_at, last_at = excluded.last_at, is_decided = excluded.is_decided
         RETURNING contact_id",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(&ids)
    .load(&mut **tx)
    .await?;
    let shown: HashSet<ContactId> = shown.into_iter().map(|one| one.contact_id).collect();
    let user = tx.user();
    let left = contacts.iter().filter(|contact| !shown.contains(contact));
    tx.each(left.map(|contact| diesel::delete(contacts::table.find((user.0, contact.0))))).await
}

/// Hides the identities that one of these entries means, or shows them again, as the blocklist and the accounts now say. The
/// caller holds the person's people.
///
/// # Errors
/// When the database refuses.
pub async fn hide(tx: &mut Tx, entries: &[String]) -> Result<()> {
    let own = own(tx).await?;
    let touched: Vec<Touched> = sql("UPDATE identities i SET is_hidden = meant.is_hidden
         FROM (
             SELECT address, address = ANY ($3) OR EXISTS (
                 SELECT FROM blocklist b WHERE b.user_id = $1 AND b.entry = ANY (o.names) OFFSET 0) AS is_hidden
             FROM identities o WHERE o.user_id = $1 AND o.names && $2
         ) AS meant
         WHERE i.user_id = $1 AND i.address = meant.address AND i.is_hidden <> meant.is_hidden RETURNING i.contact_id")
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<Text>, _>(entries)
    .bind::<Array<Text>, _>(own)
    .load(&mut **tx)
    .await?;
    refresh(tx, touched.into_iter().map(|one| one.contact_id).collect()).await
}

/// The places on the timeline at which one of these addresses took part, up to `limit`, between two places.
///
/// Each address is read in its own order, so a page costs the same however much there is.
///
/// # Errors
/// When the database refuses.
pub async fn places(
    tx: &mut Tx,
    addresses: &[String],
    (after, before): Between,
    towards: Towards,
    limit: i64,
) -> Result<Vec<Keyset>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Timestamptz)]
        occurred_at: DateTime<Utc>,
        #[diesel(sql_type = SqlUuid)]
        interaction_id: Uuid,
    }
    let order = match towards {
        Towards::Older => "occurred_at DESC, interaction_id DESC",
        Towards::Newer => "occurred_at, interaction_id",
    };
    // The bounds on the time alone let the index begin at the place; the rest settles ties.
    let places = format!(
        "SELECT DISTINCT occurred_at, interaction_id FROM unnest($2) AS wanted (address)
         CROSS JOIN LATERAL (
             SELECT occurred_at, interaction_id FROM interaction_people
             WHERE user_id = $1 AND address = wanted.address
                 AND ($3 IS NULL OR occurred_at <= $3) AND ($3 IS NULL OR occurred_at < $3 OR interaction_id < $4)
                 AND ($5 IS NULL OR occurred_at >= $5) AND ($5 IS NULL OR occurred_at > $5 OR interaction_id > $6)
             ORDER BY {order} LIMIT $7
         ) AS found
         ORDER BY {order} LIMIT $7"
    );
    let rows: Vec<Row> = sql(places)
        .bind::<SqlUuid, _>(tx.user().0)
        .bind::<Array<Text>, _>(addresses)
        .bind::<Nullable<Timestamptz>, _>(after.map(|(at, _)| at))
        .bind::<Nullable<SqlUuid>, _>(after.map(|(_, id)| id))
        .bind::<Nullable<Timestamptz>, _>(before.map(|(at, _)| at))
        .bind::<Nullable<SqlUuid>, _>(before.map(|(_, id)| id))
        .bind::<BigInt, _>(limit)
        .load(&mut **tx)
        .await?;
    Ok(rows.into_iter().map(|row| (row.occurred_at, row.interaction_id)).collect())
}

/// The addresses of these contacts that are not hidden, each with whose it is.
///
/// # Errors
/// When the database refuses.
pub async fn addresses_of(tx: &mut Tx, contacts: &[ContactId]) -> Result<Vec<(ContactId, String)>> {
    let query = identities::table
        .filter(identities::user_id.eq(tx.user().0))
        .filter(identities::contact_id.eq_any(contacts.iter().map(|contact| contact.0)))
        .filter(identities::is_hidden.eq(false))
        .select((identities::contact_id, identities::address));
    Ok(query.load(&mut **tx).await?)
}

/// The newest or the oldest places on the timeline at which each of these contacts took part, up to `limit`, in their order.
///
/// # Errors
/// When the database refuses.
pub async fn ends(
    tx: &mut Tx,
    addresses: &[(ContactId, String)],
    towards: Towards,
    limit: i64,
) -> Result<HashMap<ContactId, Vec<Keyset>>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = SqlUuid)]
        contact_id: ContactId,
        #[diesel(sql_type = Timestamptz)]
        occurred_at: DateTime<Utc>,
        #[diesel(sql_type = SqlUuid)]
        interaction_id: Uuid,
    }
    let order = match towards {
        Towards::Older => "occurred_at DESC, interaction_id DESC",
        Towards::Newer => "occurred_at, interaction_id",
    };
    let rows: Vec<Row> = sql(format!(
        "SELECT DISTINCT wanted.contact_id, occurred_at, interaction_id FROM unnest($2, $3) AS wanted (contact_id, address)
         CROSS JOIN LATERAL (
             SELECT occurred_at, interaction_id FROM interaction_people
             WHERE user_id = $1 AND address = wanted.address ORDER BY {order} LIMIT $4
         ) AS found
         ORDER BY {order}"
    ))
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<Array<SqlUuid>, _>(addresses.iter().map(|(contact, _)| contact.0).collect::<Vec<_>>())
    .bind::<Array<Text>, _>(addresses.iter().map(|(_, address)| address.as_str()).collect::<Vec<_>>())
    .bind::<BigInt, _>(limit)
    .load(&mut **tx)
    .await?;
    let (mut ends, limit): (HashMap<ContactId, Vec<Keyset>>, _) = (HashMap::new(), usize::try_from(limit).unwrap_or(0));
    for row in rows {
        let places = ends.entry(row.contact_id).or_default();
        if places.len() < limit {
            places.push((row.occurred_at, row.interaction_id));
        }
    }
    Ok(ends)
}
