//! `reproject`: makes all interactions what this normalizer gives for their raw events.
//!
//! Workers do so by themselves with what an older normalizer has made; an operator asks for it to see what would change, or to
//! have everything rebuilt. A stream goes on where it was left, whoever left it, and says in the end what has changed.

use std::{collections::BTreeSet, time::Duration};

use super::{Error, Result, normalize, work::hint_timeline};
use crate::{
    app::App,
    db::{
        Db, Tx, locks,
        reprojection::{self, Place},
        streams::{Due, Stream},
    },
    domain::{ids::UserId, normalize::VERSION, reprojection::Changes},
};

/// Streams of which one look tells.
const LOOK: i64 = 1_000;
/// Items whose groups are rebuilt in one transaction.
const CHUNK: i64 = 200;
/// How long an operator's run leaves a stream that somebody works with.
const PATIENCE: Duration = Duration::from_secs(1);

/// Rebuilds what an older normalizer has made, whoever's it is. A stream that somebody works with, or that fails, has its turn
/// the next time.
///
/// # Errors
/// When the database does not say what is behind.
pub async fn sweep(app: &App, scheduler: &Db) -> Result<()> {
    for due in older_than(scheduler, VERSION, None, None).await? {
        match stream(app, due).await {
            Ok(()) | Err(Error::Busy) => {}
            Err(error) => {
                tracing::error!(stream.id = %due.stream_id, error = ?error, "a stream could not be reprojected")
            }
        }
    }
    Ok(())
}

async fn stream(app: &App, due: Due) -> Result<()> {
    while chunk(app, due).await?.is_some() {
        hint_timeline(app, due.user_id).await;
    }
    Ok(())
}

async fn older_than(scheduler: &Db, version: i32, user: Option<UserId>, after: Option<Due>) -> Result<Vec<Due>> {
    let mut tx = scheduler.begin_unscoped().await?;
    let due = reprojection::older_than(&mut tx, version, user, after, LOOK).await?;
    tx.commit().await?;
    Ok(due)
}

/// Rebuilds one chunk; gives how many items it had, and `None` when the stream is done.
async fn chunk(app: &App, due: Due) -> Result<Option<u64>> {
    let mut tx = app.db.begin(due.user_id).await?;
    locks::hold_stream(&mut tx, due.stream_id).await?;
    // Looked at once the stream is held: another worker may have gone on with it.
    let Some(mut place) = reprojection::place(&mut tx, due.stream_id).await? else { return Ok(None) };
    let rebuilt = rebuild(app, &mut tx, due, place.to.as_deref()).await?;
    if let Some(rebuilt) = &rebuilt {
        place.changes.add(&rebuilt.changes);
        let place = Place { to: Some(rebuilt.to.clone()), changes: place.changes };
        reprojection::save(&mut tx, due.stream_id, &place).await?;
    } else {
        reprojection::finish(&mut tx, due.stream_id, &place.changes).await?;
        tracing::info!(stream.id = %due.stream_id, changes = ?place.changes, "a stream was reprojected");
    }
    tx.commit().await?;
    Ok(rebuilt.map(|rebuilt| rebuilt.n_items))
}

struct Rebuilt {
    to: String,
    n_items: u64,
    changes: Changes,
}

/// Rebuilds the rows of the next items, and says what that has changed; `None` behind the last. The caller holds the stream.
async fn rebuild(app: &App, tx: &mut Tx, due: Due, after: Option<&str>) -> Result<Option<Rebuilt>> {
    let members = reprojection::members(tx, due.stream_id, after, CHUNK).await?;
    let (Some(last), Some(stream)) = (members.last(), Stream::find(tx, due.stream_id).await?) else { return Ok(None) };
    let (to, n_items) = (last.source_id.clone(), members.len() as u64);
    let groups: BTreeSet<String> = members.into_iter().map(|member| member.group_key).collect();
    let groups: Vec<String> = groups.into_iter().collect();
    let before = reprojection::fingerprints(tx, due.stream_id, &groups).await?;
    normalize::project(app, tx, &stream, groups.clone()).await?;
    let after = reprojection::fingerprints(tx, due.stream_id, &groups).await?;
    Ok(Some(Rebuilt { to, n_items, changes: Changes::between(&before, &after) }))
}

/// What an operator asks for.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// One person's rows only.
    pub user: Option<UserId>,
    /// Rows of this normalizer, too.
    pub all: bool,
    /// Say what would change, and leave it.
    pub dry_run: bool,
}

/// How far an operator's run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Streams that are done.
    pub streams: u64,
    /// Items that were looked at.
    pub items: u64,
}

/// Does what an operator asks for, stream by stream, and says what has changed or would.
///
/// # Errors
/// When the database fails, or a raw event cannot be opened or read.
pub async fn run(
    app: &App,
    scheduler: &Db,
    request: Request,
    mut report: impl FnMut(Progress) + Send,
) -> Result<Changes> {
    let version = if request.all { i32::MAX } else { VERSION };
    let (mut total, mut progress, mut after) = (Changes::default(), Progress { streams: 0, items: 0 }, None);
    loop {
        let due = older_than(scheduler, version, request.user, after).await?;
        if due.is_empty() {
            return Ok(total);
        }
        for one in due {
            let mut seen = |n_items| {
                progress.items += n_items;
                report(progress);
            };
            let changes = if request.dry_run {
                try_out(app, one, &mut seen).await?
            } else {
                whole(app, one, request.all, &mut seen).await?
            };
            total.add(&changes);
            progress.streams += 1;
            report(progress);
            after = Some(one);
        }
    }
}

async fn whole(app: &App, due: Due, anew: bool, seen: &mut (dyn FnMut(u64) + Send)) -> Result<Changes> {
    if anew {
        let mut tx = app.db.begin(due.user_id).await?;
        reprojection::begin(&mut tx, due.stream_id).await?;
        tx.commit().await?;
    }
    while let Some(n_items) = patiently(|| chunk(app, due)).await? {
        seen(n_items);
    }
    let mut tx = app.db.begin(due.user_id).await?;
    Ok(reprojection::changes(&mut tx, due.stream_id).await?)
}

/// What reprojecting a stream would change: every chunk is rolled back.
async fn try_out(app: &App, due: Due, seen: &mut (dyn FnMut(u64) + Send)) -> Result<Changes> {
    let (mut changes, mut after) = (Changes::default(), None::<String>);
    let rebuilt = async |after: Option<&str>| {
        let mut tx = app.db.begin(due.user_id).await?;
        locks::hold_stream(&mut tx, due.stream_id).await?;
        rebuild(app, &mut tx, due, after).await
    };
    while let Some(one) = patiently(|| rebuilt(after.as_deref())).await? {
        changes.add(&one.changes);
        after = Some(one.to);
        seen(one.n_items);
    }
    Ok(changes)
}

/// Tries again while somebody else works with the stream.
async fn patiently<T, F: Future<Output = Result<T>>>(attempt: impl Fn() -> F) -> Result<T> {
    loop {
        match attempt().await {
            Err(Error::Busy) => tokio::time::sleep(PATIENCE).await,
            ended => return ended,
        }
    }
}
