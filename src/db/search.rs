//! Finding interactions by their words.
//!
//! Two ways lead to what matches, and each is slow where the other is fast. Along the timeline, a frequent word is met soon and a
//! rare one hardly ever. Through the index of words, all that match are had at once, however many. Row-level security leaves the
//! second way to a role of its own, whose policy holds the words: see the migration that adds the search.

use std::{borrow::Cow, cmp::Ordering};

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, dsl,
    sql_types::{Array, Bool, Float, Nullable, Text},
};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};

use super::{
    Result, Tx, copies,
    interactions::{Among, Between, Interaction, Rows, TimelineFilter, Towards},
    schema::interactions,
    statement::sql,
};
use crate::domain::{
    ids::InteractionId,
    normalize::Language,
    search::{MARKS, Search},
};

/// The text search configuration for texts in a language.
pub(super) fn configuration(language: Option<Language>) -> String {
    format!("search.{}", language.map_or("simple", Language::as_str))
}

/// A search as the database reads it: every word in all forms that stand for it in some language.
#[derive(Clone, Debug)]
pub struct Query(String);

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// What a search looks for; `None` when nothing in it is a word.
///
/// # Errors
/// When the database refuses.
pub async fn query(tx: &mut Tx, search: &Search) -> Result<Option<Query>> {
    let languages = std::iter::once(None).chain(Language::ALL.iter().copied().map(Some));
    // Which language a text is in, its row knows; which one the words of a search are in, nobody does.
    let found: Line = sql("WITH forms AS (
             SELECT t.number, t.is_wanted, string_agg(DISTINCT form::text, ' | ') AS any
             FROM (
                 SELECT *, true AS is_wanted FROM unnest($1) WITH ORDINALITY AS t (term, number)
                 UNION ALL SELECT *, false FROM unnest($2) WITH ORDINALITY AS t (term, number)
             ) AS t
             CROSS JOIN unnest($3) AS c (configuration)
             CROSS JOIN LATERAL phraseto_tsquery(c.configuration::regconfig, t.term) AS form
             WHERE numnode(form) > 0
             GROUP BY t.number, t.is_wanted
         )
         SELECT CASE WHEN bool_or(is_wanted)
             THEN string_agg(CASE WHEN is_wanted THEN '(' ELSE '!(' END || forms.any || ')', ' & ') END AS text
         FROM forms")
    .bind::<Array<Text>, _>(&search.wanted)
    .bind::<Array<Text>, _>(&search.unwanted)
    .bind::<Array<Text>, _>(languages.map(configuration).collect::<Vec<_>>())
    .get_result(&mut **tx)
    .await?;
    Ok(found.text.map(Query))
}

/// The moment of the interaction that is `n` further on the timeline from a moment; `None` when there are fewer.
///
/// # Errors
/// When the database refuses.
pub async fn further(
    tx: &mut Tx,
    from: Option<DateTime<Utc>>,
    towards: Towards,
    n: i64,
) -> Result<Option<DateTime<Utc>>> {
    use interactions::dsl;
    let mut query = interactions::table
        .filter(dsl::user_id.eq(tx.user().0))
        .select(dsl::occurred_at)
        .offset(n)
        .limit(1)
        .into_boxed();
    query = match towards {
        Towards::Older => query.order((dsl::occurred_at.desc(), dsl::interaction_id.desc())),
        Towards::Newer => query.order((dsl::occurred_at.asc(), dsl::interaction_id.asc())),
    };
    query = match (from, towards) {
        (Some(from), Towards::Older) => query.filter(dsl::occurred_at.le(from)),
        (Some(from), Towards::Newer) => query.filter(dsl::occurred_at.ge(from)),
        (None, _) => query,
    };
    Ok(query.first(&mut **tx).await.optional()?)
}

/// Which way leads to what matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Along the timeline: for words that are met soon, within bounds that the filter names.
    Timeline,
    /// Through the index of words.
    Words,
}

impl Query {
    /// A page of what matches, as [`Interaction::page`] has it of everything.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn page(
        &self,
        tx: &mut Tx,
        way: Way,
        filter: &TimelineFilter,
        places: Between,
        towards: Towards,
        limit: i64,
    ) -> Result<Vec<(Interaction, bool)>> {
        let addresses = filter.addresses(tx).await?;
        let among = addresses.as_deref().map_or(Among::All, Among::Of);
        self.enter(tx, way).await?;
        let rows = Interaction::those(tx.user(), filter, among, places, towards, limit);
        let rows = copies::once(self.matching(way, rows), filter).load(&mut **tx).await?;
        leave(tx, way).await?;
        Ok(rows)
    }

    /// The newest of what matches, at most `limit`, each with its rank: the higher, the better it matches.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn ranked(&self, tx: &mut Tx, way: Way, filter: &TimelineFilter, limit: i64) -> Result<Vec<Ranked>> {
        let addresses = filter.addresses(tx).await?;
        let among = addresses.as_deref().map_or(Among::All, Among::Of);
        self.enter(tx, way).await?;
        // The logarithm of a text's length divides the rank, so that a long text is not found for its length alone.
        let rank = dsl::sql::<Float>("ts_rank(search, ").bind::<Text, _>(&self.0).sql("::tsquery, 1)");
        let rows = Interaction::those(tx.user(), filter, among, (None, None), Towards::Older, limit);
        let columns = (rank, interactions::occurred_at, interactions::interaction_id);
        let rows: Vec<(f32, DateTime<Utc>, InteractionId)> =
            self.matching(way, rows).select(columns).load(&mut **tx).await?;
        leave(tx, way).await?;
        let ranked = |(rank, occurred_at, interaction_id)| Ranked { rank, occurred_at, interaction_id };
        Ok(rows.into_iter().map(ranked).collect())
    }

    fn matching<'a>(&'a self, way: Way, rows: Rows<'a>) -> Rows<'a> {
        match way {
            Way::Timeline => rows.filter(dsl::sql::<Bool>("search @@ ").bind::<Text, _>(&self.0).sql("::tsquery")),
            // The policy of the role says so.
            Way::Words => rows,
        }
    }

    async fn enter(&self, tx: &mut Tx, way: Way) -> Result<()> {
        if way == Way::Words {
            sql("SELECT set_config('app.search', $1, true)").bind::<Text, _>(&self.0).execute(&mut **tx).await?;
            // Left alone, the planner takes the timeline for a page of what it believes to be frequent, and it cannot know.
            tx.batch_execute(
                "SET LOCAL ROLE omnisync_search; SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = off",
            )
            .await?;
        }
        Ok(())
    }

    /// These texts, each with the configuration of its language, with [`MARKS`] around what matches. `is_whole`: all of a
    /// text; else its best two parts.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn marked(
        &self,
        tx: &mut Tx,
        texts: &[(Option<Language>, Cow<'_, str>)],
        is_whole: bool,
    ) -> Result<Vec<String>> {
        let [start, stop] = MARKS;
        let extent = if is_whole { "HighlightAll=true" } else { "MaxFragments=2, MinWords=8, MaxWords=24" };
        let lines: Vec<Line> = sql("SELECT ts_headline(t.configuration::regconfig, t.text, $1::tsquery, $2) AS text
             FROM unnest($3, $4) WITH ORDINALITY AS t (configuration, text, number) ORDER BY t.number")
        .bind::<Text, _>(&self.0)
        .bind::<Text, _>(format!("StartSel=\"{start}\", StopSel=\"{stop}\", FragmentDelimiter=\" … \", {extent}"))
        .bind::<Array<Text>, _>(texts.iter().map(|(language, _)| configuration(*language)).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(texts.iter().map(|(_, text)| text.as_ref()).collect::<Vec<_>>())
        .load(&mut **tx)
        .await?;
        Ok(lines.into_iter().map(|line| line.text.unwrap_or_default()).collect())
    }
}

async fn leave(tx: &mut Tx, way: Way) -> Result<()> {
    if way == Way::Words {
        tx.batch_execute("RESET enable_seqscan; RESET enable_indexscan; RESET ROLE").await?;
    }
    Ok(())
}

/// Something that matches, and how well.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranked {
    pub rank: f32,
    pub occurred_at: DateTime<Utc>,
    pub interaction_id: InteractionId,
}

impl Ranked {
    /// The order of a ranked list: the best first, of equals the newest.
    pub fn order(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (one.occurred_at, one.interaction_id);
        other.rank.total_cmp(&self.rank).then_with(|| key(other).cmp(&key(self)))
    }
}
