//! `accountStatus`: how a person's accounts stand.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use async_graphql::Result;

use super::Pace;
use crate::{
    app::App,
    db::{
        accounts::Account as Row,
        streams::{self, Stream},
    },
    domain::ids::{AccountId, UserId},
    graphql::{
        household::{Household, Known},
        objects::account::Account,
    },
};

/// Looked at this often without a hint. What a run has waiting or failed on its way is told by no hint.
pub(super) const BEAT: Duration = Duration::from_secs(5);
/// To tell how an account stands, its ledger is looked at, too; so once a second is enough.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

pub(super) struct Watch {
    app: App,
    user: UserId,
    pace: Pace,
    /// What was sent of each account.
    seen: HashMap<AccountId, String>,
    /// What is to be sent, as it was at the last look.
    unsent: VecDeque<Account>,
}

impl Watch {
    pub(super) fn new(app: App, user: UserId, pace: Pace) -> Self {
        Self { app, user, pace, seen: HashMap::new(), unsent: VecDeque::new() }
    }

    pub(super) async fn next(mut self) -> Option<(Result<Account>, Self)> {
        loop {
            if let Some(account) = self.unsent.pop_front() {
                return Some((Ok(account), self));
            }
            self.pace.wait().await;
            match Box::pin(load(&self.app, self.user)).await {
                Ok((accounts, streams)) => self.compare(accounts, streams),
                // The database may be back at the next beat; the subscriber keeps what it has.
                Err(error) => tracing::warn!(user.id = %self.user, error = ?error, "could not look at accounts"),
            }
        }
    }

    /// Puts by what is not as it was sent. What was looked at is what is sent, and no later look.
    fn compare(&mut self, accounts: Vec<Row>, streams: Vec<Known>) {
        let look = |row: &Row| seen_of(row, streams.iter().filter(|(stream, _)| stream.account_id == row.account_id));
        let looks: Vec<String> = accounts.iter().map(look).collect();
        let household = Household::knowing(streams);
        for (look, row) in looks.into_iter().zip(accounts) {
            if self.seen.get(&row.account_id) != Some(&look) {
                self.seen.insert(row.account_id, look);
                self.unsent.push_back(Account(row, household.clone()));
            }
        }
    }
}

/// What a client can see of an account, in one text: not its tokens, and not how far its cursors have come.
fn seen_of<'a>(row: &Row, streams: impl Iterator<Item = &'a Known>) -> String {
    let link = (&row.email, &row.addresses, &row.scopes, row.state, &row.state_reason, row.linked_at, row.deletions());
    let stream = |(stream, facts): &'a Known| {
        let coverage = (stream.audited_at, stream.n_audited, stream.n_gaps);
        (facts, &stream.name, &stream.time_zone, stream.completed_at, coverage)
    };
    format!("{link:?}{:?}", streams.map(stream).collect::<Vec<_>>())
}

async fn load(app: &App, user: UserId) -> anyhow::Result<(Vec<Row>, Vec<Known>)> {
    let mut tx = app.db.begin_moment(user).await?;
    let accounts = Row::all(&mut tx).await?;
    let streams = Stream::all(&mut tx).await?;
    let facts = streams::facts(&mut tx, &streams).await?;
    tx.commit().await?;
    Ok((accounts, streams.into_iter().zip(facts).collect()))
}
