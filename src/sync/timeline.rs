//! Pages of the timeline, on which a mail or meeting stands once, however many accounts and calendars it came through.

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
        search::Query,
    },
    domain::ids::UserId,
};

/// A page of the timeline, and where changes of what it shows begin, if that is asked for.
///
/// Costs two statements, and two more for every time that copies have left a page short.
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
    let mut tx = app.db.begin(user).await?;
    // Before the rows: what changes between the two is in the rows, and told once more.
    let cursor = if with_cursor { Some(changes::cursor(&mut tx, filter).await?) } else { None };
    let rows = once(&mut tx, None, filter, places, towards, limit).await?;
    tx.commit().await?;
    Ok((rows, cursor))
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
        let Some(end) = rows.last().map(|row| Some((row.occurred_at, row.interaction_id.0))) else { return Ok(page) };
        let ids: Vec<_> = rows.iter().map(|row| row.interaction_id).collect();
        let hidden = copies::hidden(tx, filter, &ids).await?;
        page.extend(rows.into_iter().filter(|row| !hidden.contains(&row.interaction_id)));
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
