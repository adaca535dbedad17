//! The timeline's rows: written by projection only, read in keyset pages.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, PgArrayExpressionMethods, QueryDsl, Queryable,
    QueryableByName, Selectable, SelectableHelper,
    dsl::{AsSelect, IntoBoxed, Select, exists},
    pg::Pg,
    sql_types::{Array, BigInt, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid},
};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Result, Tx,
    changes::{Changes, Written},
    copies, people,
    schema::{identities, interaction_people, interactions},
    search,
    statement::sql,
    stored::Stored,
};
use crate::domain::{
    account::Service,
    ids::{AccountId, BatchId, ContactId, InteractionId, StreamId, UserId},
    normalize::{Attachment, Category, Details, Direction, InteractionKind, NewInteraction, Participant, VERSION},
    people::Person,
    search::{address_words, searchable},
};

/// A stored interaction but for its [`Texts`].
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = interactions, check_for_backend(diesel::pg::Pg))]
pub struct Interaction {
    pub interaction_id: InteractionId,
    pub account_id: AccountId,
    pub stream_id: StreamId,
    pub group_key: String,
    pub batch_id: BatchId,
    pub service: Service,
    pub kind: InteractionKind,
    pub direction: Option<Direction>,
    pub subject: String,
    pub snippet: String,
    pub occurred_at: DateTime<Utc>,
    pub ends_at: Option<DateTime<Utc>>,
    pub all_day_from: Option<NaiveDate>,
    pub all_day_to: Option<NaiveDate>,
    pub thread: Option<String>,
    pub universal_id: Option<String>,
    pub location: Option<String>,
    pub status: Option<String>,
    pub participants: Stored<Vec<Participant>>,
    pub labels: Vec<String>,
    pub attachments: Stored<Vec<Attachment>>,
    pub deleted_at: Option<DateTime<Utc>>,
    pub category: Option<Category>,
    pub sent_at: Option<DateTime<Utc>>,
    pub details: Stored<Details>,
}

/// The texts of an interaction: apart from it, because they may be as long as 1 MiB, and a list shows none.
#[derive(Clone, Debug, Queryable, Selectable)]
#[diesel(table_name = interactions, check_for_backend(diesel::pg::Pg))]
pub struct Texts {
    pub interaction_id: InteractionId,
    /// The whole.
    pub body_text: String,
    /// The author's own; `None` where it is the whole.
    pub reply_text: Option<String>,
}

impl Texts {
    /// Those of the interactions with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[InteractionId]) -> Result<Vec<Self>> {
        let query = interactions::table
            .filter(interactions::user_id.eq(tx.user().0))
            .filter(interactions::interaction_id.eq_any(ids.iter().map(|id| id.0)))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// The author's own text.
    pub fn own(&self) -> &str {
        self.reply_text.as_ref().unwrap_or(&self.body_text)
    }
}

/// One row of a projection, with where it comes from.
#[derive(Clone, Debug)]
pub struct Projected {
    pub group_key: String,
    /// The batch that brought the newest version shown.
    pub batch: BatchId,
    pub version: i64,
    /// Since when the provider no longer has it.
    pub deleted_at: Option<DateTime<Utc>>,
    pub row: NewInteraction,
    /// Who took part, by mailbox.
    pub people: Vec<Person>,
}

impl Projected {
    /// The id of the row, which is of this stream.
    pub fn id(&self, stream: StreamId) -> InteractionId {
        InteractionId::of_source(stream, &self.group_key, &self.row.occurrence)
    }
}

/// Which stream a projection writes for.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    pub account: AccountId,
    pub stream: StreamId,
    pub service: Service,
}

/// Makes these groups' rows exactly `rows`: writes them, and deletes what else the groups had. Rows keep their ids. Adds to
/// `changes` what that has changed.
///
/// # Errors
/// When the database refuses.
pub async fn replace(
    tx: &mut Tx,
    target: Target,
    groups: &[String],
    rows: &[Projected],
    changes: &mut Changes,
) -> Result<()> {
    let gone = gone(tx, target.stream, groups, rows).await?;
    delete(tx, &gone).await?;
    for one in gone {
        changes.removed.push(one.interaction_id);
        changes.names.extend(one.universal_id.map(|name| (name, one.occurrence)));
    }
    if rows.is_empty() {
        return Ok(());
    }
    let named = |row: &Projected| Some((row.row.universal_id.clone()?, row.row.occurrence.clone()));
    changes.names.extend(rows.iter().filter_map(named));
    // Labels travel as one text a row: arrays of arrays would come out of unnest flattened.
    let written: Vec<Written> = sql(
        "INSERT INTO interactions (user_id, account_id, stream_id, service, normalizer_version,
             interaction_id, group_key, occurrence, batch_id, kind, direction, subject, body_text, snippet, occurred_at, ends_at,
             all_day_from, all_day_to, thread, universal_id, location, status, participants, attachments, version, deleted_at, labels,
             reply_text, category, sent_at, details, about, search)
         SELECT $1, $2, $3, $4, $5, r.a, r.b, r.c, r.d, r.e, r.f, r.g, r.h, r.i, r.j, r.k, r.l, r.m, r.n, r.o, r.p, r.q, r.r, r.s, r.t, r.u,
             string_to_array(r.v, E'\\x1f'), r.w, r.x, r.y, r.z, r.z->'invitation'->>'uid',
             setweight(to_tsvector(r.configuration::regconfig, r.subject), 'A') || setweight(to_tsvector('search.simple', r.people), 'B')
                 || setweight(to_tsvector(r.configuration::regconfig, coalesce(r.own_text, r.w, r.h)), 'D')
         FROM unnest($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27,
             $28, $29, $30, $31, $32, $33, $34, $35)
             AS r (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, v, w, x, y, z, configuration, subject, people, own_text)
         ON CONFLICT (user_id, stream_id, group_key, occurrence) DO UPDATE SET
             batch_id = excluded.batch_id, kind = excluded.kind, direction = excluded.direction, subject = excluded.subject,
             body_text = excluded.body_text, snippet = excluded.snippet, occurred_at = excluded.occurred_at,
             ends_at = excluded.ends_at, all_day_from = excluded.all_day_from, all_day_to = excluded.all_day_to,
             thread = excluded.thread, universal_id = excluded.universal_id, location = excluded.location,
             status = excluded.status, participants = excluded.participants, attachments = excluded.attachments,
             reply_text = excluded.reply_text, category = excluded.category, sent_at = excluded.sent_at,
             details = excluded.details, about = excluded.about, version = excluded.version, deleted_at = excluded.deleted_at,
             labels = excluded.labels, search = excluded.search, normalizer_version = excluded.normalizer_version
         RETURNING interaction_id, xmax = 0 AS is_new",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(target.account.0)
    .bind::<SqlUuid, _>(target.stream.0)
    .bind::<Text, _>(target.service.as_str())
    .bind::<Integer, _>(VERSION)
    .bind::<Array<SqlUuid>, _>(column(rows, |r| r.id(target.stream).0))
    .bind::<Array<Text>, _>(column(rows, |r| r.group_key.as_str()))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.occurrence.as_str()))
    .bind::<Array<SqlUuid>, _>(column(rows, |r| r.batch.0))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.kind.as_str()))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.direction.map(Direction::as_str)))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.subject.as_str()))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.body_text.as_str()))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.snippet.as_str()))
    .bind::<Array<Timestamptz>, _>(column(rows, |r| r.row.occurred_at))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |r| r.row.ends_at))
    .bind::<Array<Nullable<Date>>, _>(column(rows, |r| r.row.all_day.map(|(first, _)| first)))
    .bind::<Array<Nullable<Date>>, _>(column(rows, |r| r.row.all_day.map(|(_, last)| last)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.thread.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.universal_id.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.location.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.status.as_deref()))
    .bind::<Array<Jsonb>, _>(column(rows, |r| json(&r.row.participants)))
    .bind::<Array<Jsonb>, _>(column(rows, |r| json(&r.row.attachments)))
    .bind::<Array<BigInt>, _>(column(rows, |r| r.version))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |r| r.deleted_at))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.labels.join("\u{1f}")))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.reply_text.as_deref()))
    .bind::<Array<Nullable<Text>>, _>(column(rows, |r| r.row.category.map(Category::as_str)))
    .bind::<Array<Nullable<Timestamptz>>, _>(column(rows, |r| r.row.sent_at))
    .bind::<Array<Jsonb>, _>(column(rows, |r| json(&r.row.details)))
    .bind::<Array<Text>, _>(column(rows, |r| search::configuration(r.row.details.language)))
    .bind::<Array<Text>, _>(column(rows, |r| searchable(&r.row.subject).into_owned()))
    .bind::<Array<Text>, _>(column(rows, |r| people(&r.row.participants)))
    .bind::<Array<Nullable<Text>>, _>(column(rows, own_text))
    .load(&mut **tx)
    .await?;
    changes.written.extend(written);
    Ok(())
}

/// An interaction that its source gives no more.
#[derive(QueryableByName)]
struct Gone {
    #[diesel(sql_type = SqlUuid)]
    interaction_id: InteractionId,
    #[diesel(sql_type = Nullable<Text>)]
    universal_id: Option<String>,
    #[diesel(sql_type = Text)]
    occurrence: String,
}

/// What these groups have beside `rows`.
async fn gone(tx: &mut Tx, stream: StreamId, groups: &[String], rows: &[Projected]) -> Result<Vec<Gone>> {
    let gone = sql(
        "SELECT i.interaction_id, i.universal_id, i.occurrence FROM unnest($3) AS wanted (group_key) CROSS JOIN LATERAL (
             SELECT interaction_id, universal_id, group_key, occurrence FROM interactions
             WHERE user_id = $1 AND stream_id = $2 AND group_key = wanted.group_key OFFSET 0
         ) AS i
         WHERE (i.group_key, i.occurrence) NOT IN (SELECT * FROM unnest($4, $5))",
    )
    .bind::<SqlUuid, _>(tx.user().0)
    .bind::<SqlUuid, _>(stream.0)
    .bind::<Array<Text>, _>(groups)
    .bind::<Array<Text>, _>(column(rows, |r| r.group_key.as_str()))
    .bind::<Array<Text>, _>(column(rows, |r| r.row.occurrence.as_str()))
    .load(&mut **tx)
    .await?;
    Ok(gone)
}

/// Deletes interactions, each by its key; why, [`super::raw_events::delete`] says.
async fn delete(tx: &mut Tx, gone: &[Gone]) -> Result<()> {
    let user = tx.user();
    tx.each(gone.iter().map(|one| diesel::delete(interactions::table.find((user.0, one.interaction_id.0))))).await
}

/// The names and addresses of those who took part, as words.
fn people(participants: &[Participant]) -> String {
    let words =
        |one: &Participant| format!("{} {}", one.name.as_deref().unwrap_or_default(), address_words(&one.address));
    searchable(&participants.iter().map(words).collect::<Vec<_>>().join("\n")).into_owned()
}

/// The author's own text as the search reads it, where that differs from what the row holds.
fn own_text(row: &Projected) -> Option<String> {
    let text = row.row.reply_text.as_ref().unwrap_or(&row.row.body_text);
    let read = searchable(text);
    (read != text.as_str()).then(|| read.into_owned())
}

fn column<'a, R, T>(rows: &'a [R], value: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(value).collect()
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a list of plain structs with string keys")
}

/// Which interactions to show. Every field that is set must hold.
#[derive(Clone, Debug, Default)]
pub struct TimelineFilter {
    pub kind: Option<InteractionKind>,
    pub service: Option<Service>,
    pub account: Option<AccountId>,
    pub stream: Option<StreamId>,
    pub direction: Option<Direction>,
    /// Mail of one of these kinds; all when empty.
    pub categories: Vec<Category>,
    pub batch: Option<BatchId>,
    pub thread: Option<String>,
    /// The mailbox of someone who took part.
    pub participant: Option<String>,
    /// A contact who took part.
    pub contact: Option<ContactId>,
    /// A label id on a mail.
    pub label: Option<String>,
    pub has_attachment: Option<bool>,
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}

impl TimelineFilter {
    /// The mailboxes of which one must have taken part; `None` when anyone may.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn addresses(&self, tx: &mut Tx) -> Result<Option<Vec<String>>> {
        let Some(contact) = self.contact else { return Ok(self.participant.clone().map(|address| vec![address])) };
        let query = identities::table
            .filter(identities::user_id.eq(tx.user().0))
            .filter(identities::contact_id.eq(contact.0))
            .filter(identities::is_hidden.eq(false))
            .select(identities::address);
        Ok(Some(query.load(&mut **tx).await?))
    }
}

/// The most places of someone's that are looked through at once for rows of which more is asked.
const MOST_PLACES: i64 = 5_000;

/// A place in the timeline, between rows.
pub type Keyset = (DateTime<Utc>, Uuid);

/// The place after which a list begins, and the one before which it ends; `None` where it goes on.
pub type Between = (Option<Keyset>, Option<Keyset>);

/// A statement that selects interactions.
pub(super) type Rows<'a> = IntoBoxed<'a, Select<interactions::table, AsSelect<Interaction, Pg>>, Pg>;

/// Among which rows a statement looks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Among<'a> {
    /// All that the filter shows.
    All,
    /// Of those, these.
    These(&'a [Uuid]),
    /// Of those, what one of these mailboxes took part in.
    Of(&'a [String]),
}

/// Which way a page runs from its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Towards {
    /// To older rows; the page comes newest first.
    Older,
    /// To newer rows; the page comes oldest first.
    Newer,
}

impl Interaction {
    /// The interaction with this id, of the transaction's user.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn find(tx: &mut Tx, id: InteractionId) -> Result<Option<Self>> {
        let query = interactions::table.find((tx.user().0, id.0)).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?)
    }

    /// The interactions with these ids, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn with_ids(tx: &mut Tx, ids: &[InteractionId]) -> Result<Vec<Self>> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let query = interactions::table
            .filter(interactions::user_id.eq(tx.user().0))
            .filter(interactions::interaction_id.eq_any(ids))
            .select(Self::as_select());
        Ok(query.load(&mut **tx).await?)
    }

    /// Those of these interactions that the filter shows, in no order.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn shown(tx: &mut Tx, filter: &TimelineFilter, ids: &[InteractionId]) -> Result<Vec<Self>> {
        let (ids, limit) = (ids.iter().map(|id| id.0).collect::<Vec<_>>(), i64::MAX);
        let Some(addresses) = filter.addresses(tx).await? else {
            let rows = Self::those(tx.user(), filter, Among::These(&ids), (None, None), Towards::Older, limit);
            return Ok(rows.load(&mut **tx).await?);
        };
        let rows = Self::those(tx.user(), filter, Among::Of(&addresses), (None, None), Towards::Older, limit);
        Ok(rows.filter(interactions::interaction_id.eq_any(ids)).load(&mut **tx).await?)
    }

    /// Up to `limit` rows from a place, between two places when both are given; each with whether another one stands for it that the
    /// filter shows, too.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        tx: &mut Tx,
        filter: &TimelineFilter,
        (mut after, mut before): Between,
        towards: Towards,
        limit: i64,
    ) -> Result<Vec<(Self, bool)>> {
        let Some(addresses) = filter.addresses(tx).await? else {
            let rows = Self::those(tx.user(), filter, Among::All, (after, before), towards, limit);
            return Ok(copies::once(rows, filter).load(&mut **tx).await?);
        };
        // What the filter says of the time is a place, too, and no id is before that of nothing.
        after = after.into_iter().chain(filter.to.map(|to| (to, Uuid::nil()))).min();
        before = before.into_iter().chain(filter.from.map(|from| (from, Uuid::nil()))).max();
        // Where someone took part, an index of its own says, in order; what else is asked is asked of those rows. Where that
        // leaves a page unfilled, more and more of them are looked at.
        let (mut rows, mut n_places) = (Vec::new(), limit);
        loop {
            let places = people::places(tx, &addresses, (after, before), towards, n_places).await?;
            let Some(last) = places.last().copied() else { return Ok(rows) };
            let ids: Vec<Uuid> = places.iter().map(|(_, id)| *id).collect();
            let wanted = limit - i64::try_from(rows.len()).unwrap_or(limit);
            let more = Self::those(tx.user(), filter, Among::These(&ids), (None, None), towards, wanted);
            rows.extend(copies::once(more, filter).load(&mut **tx).await?);
            let is_full = i64::try_from(rows.len()).unwrap_or(limit) >= limit;
            if is_full || i64::try_from(places.len()).unwrap_or(0) < n_places {
                return Ok(rows);
            }
            match towards {
                Towards::Older => after = Some(last),
                Towards::Newer => before = Some(last),
            }
            n_places = (n_places * 4).min(MOST_PLACES);
        }
    }

    /// The statement of a page.
    pub(super) fn those<'a>(
        user: UserId,
        filter: &'a TimelineFilter,
        among: Among<'a>,
        (after, before): Between,
        towards: Towards,
        limit: i64,
    ) -> Rows<'a> {
        use interactions::dsl;
        let mut query =
            interactions::table.filter(dsl::user_id.eq(user.0)).limit(limit).select(Self::as_select()).into_boxed();
        query = match towards {
            Towards::Older => query.order((dsl::occurred_at.desc(), dsl::interaction_id.desc())),
            Towards::Newer => query.order((dsl::occurred_at.asc(), dsl::interaction_id.asc())),
        };
        if let Some((at, id)) = after {
            // `occurred_at <= at` alone lets the index begin at the place; the rest settles ties.
            let tie = dsl::occurred_at.lt(at).or(dsl::interaction_id.lt(id));
            query = query.filter(dsl::occurred_at.le(at).and(tie));
        }
        if let Some((at, id)) = before {
            let tie = dsl::occurred_at.gt(at).or(dsl::interaction_id.gt(id));
            query = query.filter(dsl::occurred_at.ge(at).and(tie));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(dsl::kind.eq(kind.as_str()));
        }
        if let Some(service) = filter.service {
            query = query.filter(dsl::service.eq(service.as_str()));
        }
        if let Some(account) = filter.account {
            query = query.filter(dsl::account_id.eq(account.0));
        }
        if let Some(stream) = filter.stream {
            query = query.filter(dsl::stream_id.eq(stream.0));
        }
        if let Some(direction) = filter.direction {
            query = query.filter(dsl::direction.eq(direction.as_str()));
        }
        if !filter.categories.is_empty() {
            let words: Vec<&str> = filter.categories.iter().map(|category| category.as_str()).collect();
            query = query.filter(dsl::category.eq_any(words));
        }
        if let Some(batch) = filter.batch {
            query = query.filter(dsl::batch_id.eq(batch.0));
        }
        if let Some(thread) = &filter.thread {
            query = query.filter(dsl::thread.eq(thread));
        }
        match among {
            Among::All => {}
            Among::These(ids) => query = query.filter(dsl::interaction_id.eq_any(ids)),
            Among::Of(addresses) => {
                let theirs = interaction_people::table
                    .filter(interaction_people::user_id.eq(user.0))
                    .filter(interaction_people::address.eq_any(addresses))
                    .filter(interaction_people::interaction_id.eq(dsl::interaction_id));
                query = query.filter(exists(theirs));
            }
        }
        if let (Some(address), Some(_)) = (&filter.participant, filter.contact) {
            let theirs = interaction_people::table
                .filter(interaction_people::user_id.eq(user.0))
                .filter(interaction_people::address.eq(address))
                .filter(interaction_people::interaction_id.eq(dsl::interaction_id));
            query = query.filter(exists(theirs));
        }
        if let Some(label) = &filter.label {
            query = query.filter(dsl::labels.contains(vec![label.as_str()]));
        }
        match filter.has_attachment {
            Some(true) => query = query.filter(dsl::attachments.ne(serde_json::json!([]))),
            Some(false) => query = query.filter(dsl::attachments.eq(serde_json::json!([]))),
            None => {}
        }
        if let Some(from) = filter.from {
            query = query.filter(dsl::occurred_at.ge(from));
        }
        if let Some(to) = filter.to {
            query = query.filter(dsl::occurred_at.lt(to));
        }
        query
    }
}
