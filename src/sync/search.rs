//! Searching the timeline: by time or by how well something matches, with what matches marked.

use std::{cmp::Ordering, collections::HashMap};

use chrono::TimeDelta;

use super::{Result, timeline};
use crate::{
    app::App,
    db::{
        Tx, copies,
        interactions::{Between, Interaction, Texts, TimelineFilter, Towards},
        search::{self, Query, Ranked, Way},
    },
    domain::{
        ids::UserId,
        search::{Piece, Search, pieces, searchable},
    },
};

/// Interactions along the timeline that are looked through before the index of words is asked: a page of what stands in one of two
/// hundred is found among them, and what is rarer than that is soon had through the index.
const LOOK: i64 = 5_000;
/// What is ranked at most: the newest of what matches.
const MOST_RANKED: i64 = 1_000;
/// With this many matches along the timeline, older ones are not ranked.
const ENOUGH_RANKED: usize = 100;

/// What of the timeline is searched for, and where the page begins and ends.
#[derive(Clone, Debug)]
pub struct Request {
    /// The words.
    pub search: Search,
    /// What else must hold.
    pub filter: TimelineFilter,
    /// The order, and the places in it after and before which the page lies.
    pub order: Order,
    /// Which way the page runs. In the order of relevance, newer is from the worst to better ones.
    pub towards: Towards,
    /// Rows at most.
    pub limit: i64,
    /// Whether what matches is marked.
    pub highlights: bool,
}

/// The order of what a search finds.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// The timeline's.
    Time(Between),
    /// The best first, of equals the newest.
    Relevance(Option<Ranked>, Option<Ranked>),
}

/// An interaction that a search found.
#[derive(Clone, Debug)]
pub struct Hit {
    /// The interaction.
    pub row: Interaction,
    /// How well it matches, in the order of relevance.
    pub rank: Option<f32>,
    /// Where the search is found in it, if that was asked for.
    pub highlights: Option<Highlights>,
}

/// A page of what a search finds.
///
/// # Errors
/// When the database fails.
pub async fn page(app: &App, user: UserId, request: &Request) -> Result<Vec<Hit>> {
    let Request { search, filter, order, towards, limit, highlights } = request;
    let mut tx = app.db.begin(user).await?;
    // A search of nothing but signs finds nothing.
    let Some(query) = search::query(&mut tx, search).await? else { return Ok(Vec::new()) };
    let mut hits: Vec<Hit> = match order {
        Order::Time(places) => {
            let rows = timeline::once(&mut tx, Some(&query), filter, *places, *towards, *limit).await?;
            rows.into_iter().map(|row| Hit { row, rank: None, highlights: None }).collect()
        }
        Order::Relevance(after, before) => {
            let rows = by_rank(&mut tx, &query, filter, (*after, *before), *towards, *limit).await?;
            rows.into_iter().map(|(one, row)| Hit { row, rank: Some(one.rank), highlights: None }).collect()
        }
    };
    if *highlights {
        let found = mark(&mut tx, &query, &hits).await?;
        hits.iter_mut().zip(found).for_each(|(hit, found)| hit.highlights = Some(found));
    }
    tx.commit().await?;
    Ok(hits)
}

/// In the order of the timeline. Costs two statements, or six where the timeline's next 5,000 interactions do not fill the page.
pub(super) async fn by_time(
    tx: &mut Tx,
    query: &Query,
    filter: &TimelineFilter,
    places: Between,
    towards: Towards,
    limit: i64,
) -> Result<Vec<(Interaction, bool)>> {
    let near = near(tx, filter, places, towards).await?;
    let bounds = near.as_ref().unwrap_or(filter);
    let rows = query.page(tx, Way::Timeline, bounds, places, towards, limit).await?;
    if near.is_none() || rows.len() >= usize::try_from(limit).unwrap_or(0) {
        return Ok(rows);
    }
    Ok(query.page(tx, Way::Words, filter, places, towards, limit).await?)
}

/// The filter, bound to the next interactions of the timeline; `None` when those are all there are.
async fn near(
    tx: &mut Tx,
    filter: &TimelineFilter,
    (after, before): Between,
    towards: Towards,
) -> Result<Option<TimelineFilter>> {
    let mut near = filter.clone();
    match towards {
        Towards::Older => {
            let begin = [after.map(|(at, _)| at), filter.to].into_iter().flatten().min();
            let Some(end) = search::further(tx, begin, towards, LOOK).await? else { return Ok(None) };
            if filter.from.is_some_and(|from| from >= end) {
                return Ok(None);
            }
            near.from = Some(end);
        }
        Towards::Newer => {
            let begin = [before.map(|(at, _)| at), filter.from].into_iter().flatten().max();
            let Some(end) = search::further(tx, begin, towards, LOOK).await? else { return Ok(None) };
            // `to` excludes, and what happened at that very moment is within.
            let end = end + TimeDelta::microseconds(1);
            if filter.to.is_some_and(|to| to <= end) {
                return Ok(None);
            }
            near.to = Some(end);
        }
    }
    Ok(Some(near))
}

/// The best first: of the newest 1,000 that match, or of the newest 100 and some more where so many stand among the newest 5,000
/// interactions.
async fn by_rank(
    tx: &mut Tx,
    query: &Query,
    filter: &TimelineFilter,
    (after, before): (Option<Ranked>, Option<Ranked>),
    towards: Towards,
    limit: i64,
) -> Result<Vec<(Ranked, Interaction)>> {
    let near = near(tx, filter, (None, None), Towards::Older).await?;
    let mut ranked = query.ranked(tx, Way::Timeline, near.as_ref().unwrap_or(filter), MOST_RANKED).await?;
    if near.is_some() && ranked.len() < ENOUGH_RANKED {
        ranked = query.ranked(tx, Way::Words, filter, MOST_RANKED).await?;
    }
    let ids: Vec<_> = ranked.iter().map(|one| one.interaction_id).collect();
    let hidden = copies::hidden(tx, filter, &ids).await?;
    ranked.retain(|one| !hidden.contains(&one.interaction_id));
    ranked.retain(|one| after.is_none_or(|after| one.order(&after) == Ordering::Greater));
    ranked.retain(|one| before.is_none_or(|before| one.order(&before) == Ordering::Less));
    ranked.sort_by(Ranked::order);
    if towards == Towards::Newer {
        ranked.reverse();
    }
    ranked.truncate(usize::try_from(limit).unwrap_or(0));
    let ids: Vec<_> = ranked.iter().map(|one| one.interaction_id).collect();
    let rows = Interaction::with_ids(tx, &ids).await?;
    let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.interaction_id, row)).collect();
    Ok(ranked.into_iter().filter_map(|one| Some((one, rows.remove(&one.interaction_id)?))).collect())
}

/// Where a search is found in an interaction.
#[derive(Clone, Debug)]
pub struct Highlights {
    /// The subject, whole.
    pub subject: Vec<Piece>,
    /// The best parts of the author's own text; its beginning where nothing in it matches.
    pub text: Vec<Piece>,
}

/// Where a search is found in each of these. Costs three statements.
async fn mark(tx: &mut Tx, query: &Query, hits: &[Hit]) -> Result<Vec<Highlights>> {
    let ids: Vec<_> = hits.iter().map(|hit| hit.row.interaction_id).collect();
    let texts = Texts::with_ids(tx, &ids).await?;
    let texts: HashMap<_, _> = texts.iter().map(|texts| (texts.interaction_id, texts)).collect();
    let own = |row: &Interaction| texts.get(&row.interaction_id).map(|texts| texts.own()).unwrap_or_default();
    let language = |hit: &Hit| hit.row.details.read().language;
    let subjects: Vec<_> = hits.iter().map(|hit| (language(hit), searchable(&hit.row.subject))).collect();
    let texts: Vec<_> = hits.iter().map(|hit| (language(hit), searchable(own(&hit.row)))).collect();
    let subjects = query.marked(tx, &subjects, true).await?;
    let texts = query.marked(tx, &texts, false).await?;
    let highlights = |(subject, text): (&String, &String)| Highlights { subject: pieces(subject), text: pieces(text) };
    Ok(subjects.iter().zip(&texts).map(highlights).collect())
}
