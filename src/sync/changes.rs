//! What has changed on the timeline since a place, for whoever keeps a copy of it in step.
//!
//! One step is read at one moment of the database, so that what it says of an interaction is what stood there at its end: whoever has
//! taken all steps has the timeline, and nothing was told twice.

use sha2::{Digest, Sha256};

use super::{Error, Result};
use crate::{
    app::App,
    db::{
        Db, Tx,
        changes::{self, Change, Place},
        copies,
        interactions::{Interaction, TimelineFilter},
    },
    domain::ids::{InteractionId, UserId},
};

/// People of whom one sweep forgets changes, and changes that one transaction forgets.
const LOOK: i64 = 1_000;
const CHUNK: i64 = 5_000;

/// What a copy of the timeline is of: the filter, and the addresses that it stands for. A copy of something else cannot be brought up to
/// date by what has changed on the timeline.
pub type Shown = [u8; 8];

/// How far a copy of the timeline has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub place: Place,
    pub shown: Shown,
}

/// What leads a copy of the timeline from one place to the next.
#[derive(Clone, Debug)]
pub struct Step {
    /// Where it leads.
    pub cursor: Cursor,
    /// Whether what has changed until there is not known, so that the copy must be made anew.
    pub is_reset: bool,
    /// Whether more has changed already.
    pub has_more: bool,
    /// What is there and was not.
    pub added: Vec<Interaction>,
    /// What is there otherwise than before, or comes into sight.
    pub changed: Vec<Interaction>,
    /// What is not there, and may have been.
    pub removed: Vec<InteractionId>,
}

impl Step {
    fn to(cursor: Cursor, is_reset: bool) -> Self {
        Self { cursor, is_reset, has_more: false, added: Vec::new(), changed: Vec::new(), removed: Vec::new() }
    }

    /// Whether it only confirms the place.
    pub const fn is_empty(&self) -> bool {
        !self.is_reset && self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// Has changes of the person's timeline noted from now on. To be asked for before a place is, and again every day.
///
/// # Errors
/// When the database fails.
pub async fn follow(app: &App, user: UserId) -> Result<()> {
    let mut tx = app.db.begin(user).await?;
    changes::follow(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

/// The place of a copy of the timeline that is read in this transaction, after this.
pub(super) async fn cursor(tx: &mut Tx, filter: &TimelineFilter) -> Result<Cursor> {
    let place = head(tx).await?;
    Ok(Cursor { place, shown: shown(tx, filter).await? })
}

/// Behind the last change, for a copy that is read in this transaction, after this.
pub(super) async fn head(tx: &mut Tx) -> Result<Place> {
    Ok(changes::known(tx).await?.head)
}

async fn shown(tx: &mut Tx, filter: &TimelineFilter) -> Result<Shown> {
    let addresses = if filter.contact.is_some() { filter.addresses(tx).await? } else { None };
    Ok(shown_of(filter, addresses))
}

/// What a copy is of, by its filter, and by the addresses of the contact if that names one.
pub(super) fn shown_of(filter: &TimelineFilter, addresses: Option<Vec<String>>) -> Shown {
    let mut hash = Sha256::new_with_prefix(format!("{filter:?}"));
    if let Some(mut addresses) = addresses {
        addresses.sort_unstable();
        hash.update(format!("{addresses:?}"));
    }
    hash.finalize().first_chunk().copied().unwrap_or_default()
}

/// What has changed since a place, up to `limit` interactions; from now on without one.
///
/// # Errors
/// When the database fails.
pub async fn since(
    app: &App,
    user: UserId,
    filter: &TimelineFilter,
    after: Option<Cursor>,
    limit: i64,
) -> Result<Step> {
    let mut tx = app.db.begin_moment(user).await?;
    let step = step(&mut tx, filter, after, limit).await?;
    tx.commit().await?;
    Ok(step)
}

async fn step(tx: &mut Tx, filter: &TimelineFilter, after: Option<Cursor>, limit: i64) -> Result<Step> {
    let known = changes::known(tx).await?;
    let now = Cursor { place: known.head, shown: shown(tx, filter).await? };
    let Some(after) = after else { return Ok(Step::to(now, false)) };
    // Ahead of the timeline is who was told by a database that has been set back.
    if after.shown != now.shown || after.place < known.since || after.place > known.head {
        return Ok(Step::to(now, true));
    }
    if after.place == known.head {
        return Ok(Step::to(now, false));
    }
    let changes = changes::since(tx, after.place, limit).await?;
    let has_more = changes.len() == usize::try_from(limit).unwrap_or(0);
    let to = changes.last().filter(|_| has_more).map_or(known.head, Change::place);
    let ids: Vec<InteractionId> = changes.iter().map(|change| change.interaction_id).collect();
    let mut rows = Interaction::shown(tx, filter, &ids).await?;
    let hidden = copies::hidden(tx, filter, &rows.iter().map(|row| row.interaction_id).collect::<Vec<_>>()).await?;
    rows.retain(|row| !hidden.contains(&row.interaction_id));
    let mut step = Step { has_more, ..Step::to(Cursor { place: to, ..now }, false) };
    for change in &changes {
        let at = rows.iter().position(|row| row.interaction_id == change.interaction_id);
        match (at.map(|at| rows.swap_remove(at)), change.is_added_since(after.place)) {
            (Some(row), true) => step.added.push(row),
            (Some(row), false) => step.changed.push(row),
            // It has come and gone, or is nothing to this filter.
            (None, true) => {}
            (None, false) => step.removed.push(change.interaction_id),
        }
    }
    Ok(step)
}

/// Forgets what changed so long ago that nobody is told of it any more.
///
/// # Errors
/// When the database does not say whose changes are due.
pub async fn sweep(app: &App, scheduler: &Db) -> Result<()> {
    let mut tx = scheduler.begin_unscoped().await?;
    let due = changes::due(&mut tx, LOOK).await?;
    tx.commit().await?;
    for user in due {
        match forget(app, user).await {
            Ok(()) | Err(Error::Busy) => {}
            Err(error) => tracing::error!(user.id = %user, error = ?error, "changes could not be forgotten"),
        }
    }
    Ok(())
}

async fn forget(app: &App, user: UserId) -> Result<()> {
    loop {
        let mut tx = app.db.begin(user).await?;
        let has_more = changes::forget(&mut tx, CHUNK).await?;
        tx.commit().await?;
        if !has_more {
            return Ok(());
        }
    }
}
