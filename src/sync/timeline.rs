//! Pages of the timeline, on which a mail or meeting stands once, however many accounts and calendars it came through.

use std::collections::HashMap;

use super::{
    Result,
    changes::{self, Cursor},
    search,
};
use crate::{
    app::App,
    db::{
        Tx, copies,
        interactions::{Between, Interaction, TimelineFilter, Towards},
        people,
        search::Query,
    },
    domain::ids::{ContactId, InteractionId, UserId},
};

/// A page of the timeline, and where changes of what it shows begin, if that is asked for.
///
/// Costs a statement, and another one for every time that copies have left a page short.
///
/// # Errors
/// When the database fails.
pub async fn page(
    app: &App,
    user: UserId,
    filter: &TimelineFilter,
    places: Between,
    towards: Towards,
    limit: i64,
    with_cursor: bool,
) -> Result<(Vec<Interaction>, Option<Cursor>)> {
    if with_cursor {
        changes::follow(app, user).await?;
    }
    // Without a person asked for, a page is the end of an index, of whomever it is.
    let is_plain = filter.participant.is_none() && filter.contact.is_none();
    let mut tx = if is_plain { app.db.begin_planned(user).await? } else { app.db.begin_reading(user).await? };
    // Before the rows: what changes between the two is in the rows, and told once more.
    let cursor = if with_cursor { Some(changes::cursor(&mut tx, filter).await?) } else { None };
    let rows = once(&mut tx, None, filter, places, towards, limit).await?;
    tx.commit().await?;
    Ok((rows, cursor))
}

/// The ends of several contacts' timelines: the newest rows of each or the oldest, as [`page`] has them.
///
/// Costs five statements however many they are, and one more for each of which copies have left a page short.
///
/// # Errors
/// When the database fails.
pub async fn ends(
    app: &App,
    user: UserId,
    contacts: &[ContactId],
    towards: Towards,
    limit: i64,
    with_cursor: bool,
) -> Result<HashMap<ContactId, (Vec<Interaction>, Option<Cursor>)>> {
    if with_cursor {
        changes::follow(app, user).await?;
    }
    let mut tx = app.db.begin(user).await?;
    let head = if with_cursor { Some(changes::head(&mut tx).await?) } else { None };
    let addresses = people::addresses_of(&mut tx, contacts).await?;
    let places = people::ends(&mut tx, &addresses, towards, limit).await?;
    let mut ids: Vec<InteractionId> = places.values().flatten().map(|(_, id)| InteractionId(*id)).collect();
    ids.sort_unstable();
    ids.dedup();
    let rows = Interaction::with_ids(&mut tx, &ids).await?;
    let rows: HashMap<InteractionId, Interaction> = rows.into_iter().map(|row| (row.interaction_id, row)).collect();
    let hidden = copies::hidden(&mut tx, &TimelineFilter::default(), &ids).await?;
    let mut all = HashMap::new();
    for contact in contacts {
        let filter = TimelineFilter { contact: Some(*contact), ..TimelineFilter::default() };
        let theirs = places.get(contact).map(Vec::as_slice).unwrap_or_default();
        let found = theirs.iter().map(|(_, id)| InteractionId(*id)).filter(|id| !hidden.contains(id));
        let mut page: Vec<Interaction> = found.filter_map(|id| rows.get(&id).cloned()).collect();
        if page.len() < theirs.len() && i64::try_from(theirs.len()).unwrap_or(0) == limit {
            page = once(&mut tx, None, &filter, (None, None), towards, limit).await?;
        }
        let of_it = || addresses.iter().filter(|(of, _)| of == contact).map(|(_, address)| address.clone()).collect();
        let cursor = head.map(|place| Cursor { place, shown: changes::shown_of(&filter, Some(of_it())) });
        all.insert(*contact, (page, cursor));
    }
    tx.commit().await?;
    Ok(all)
}

/// A page of what the filter shows, and with a query of what that finds, without the rows for which another stands that the filter
/// shows, too.
pub(super) async fn once(
    tx: &mut Tx,
    query: Option<&Query>,
    filter: &TimelineFilter,
    mut places: Between,
    towards: Towards,
    limit: i64,
) -> Result<Vec<Interaction>> {
    let wanted = usize::try_from(limit).unwrap_or(0);
    let mut page: Vec<Interaction> = Vec::new();
    loop {
        let rows = match query {
            Some(query) => search::by_time(tx, query, filter, places, towards, limit).await?,
            None => Interaction::page(tx, filter, places, towards, limit).await?,
        };
        let is_last = rows.len() < wanted;
        let Some(end) = rows.last().map(|(row, _)| Some((row.occurred_at, row.interaction_id.0))) else {
            return Ok(page);
        };
        page.extend(rows.into_iter().filter(|(_, is_hidden)| !is_hidden).map(|(row, _)| row));
        page.truncate(wanted);
        if is_last || page.len() == wanted {
            return Ok(page);
        }
        match towards {
            Towards::Older => places.0 = end,
            Towards::Newer => places.1 = end,
        }
    }
}
