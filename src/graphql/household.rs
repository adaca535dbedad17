//! A person's accounts and runs, looked up for all of a page at once when the first of them is asked for.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{Context, Result};

use super::{
    error::read,
    objects::{account::Account, batch::Job},
    once::{Once, once},
};
use crate::{
    db::{
        accounts::Account as AccountRow,
        batches::{self, Throughput},
        insights::{self, Held},
        jobs::Job as JobRow,
        streams::{self, Stream},
    },
    domain::{
        ids::{AccountId, BatchId},
        status::StreamFacts,
    },
};

/// Into how many spans the throughput of a run is cut at most: a plot has no more room.
const MOST_SPANS: i32 = 360;

/// A stream, and what is known of it.
pub(super) type Known = (Stream, StreamFacts);

/// The accounts of a person with their streams. A person has a handful: all of them cost what some of them would.
#[derive(Clone, Default)]
pub(super) struct Household(Arc<Members>);

#[derive(Default)]
struct Members {
    accounts: Once<HashMap<AccountId, AccountRow>>,
    streams: Once<HashMap<AccountId, Vec<Known>>>,
    held: Once<HashMap<AccountId, Held>>,
}

/// What belongs to each account.
fn by_account(streams: impl IntoIterator<Item = Known>) -> HashMap<AccountId, Vec<Known>> {
    let mut all: HashMap<AccountId, Vec<Known>> = HashMap::new();
    for known in streams {
        all.entry(known.0.account_id).or_default().push(known);
    }
    all
}

impl Household {
    /// One whose streams have been looked at already.
    pub(super) fn knowing(streams: Vec<Known>) -> Self {
        Self(Arc::new(Members { streams: Once::new_with(Some(Ok(by_account(streams)))), ..Members::default() }))
    }

    /// One of the accounts.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn account(&self, ctx: &Context<'_>, id: AccountId) -> Result<Option<Account>> {
        let look = async {
            let all = read(ctx, AccountRow::all).await?;
            Ok(all.into_iter().map(|row| (row.account_id, row)).collect())
        };
        let known = once(&self.0.accounts, look).await?;
        Ok(known.get(&id).map(|row| Account(row.clone(), self.clone())))
    }

    /// The streams of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn streams(&self, ctx: &Context<'_>, of: AccountId) -> Result<Vec<Known>> {
        let look = async {
            let look = async |tx: &mut _| {
                let streams = Stream::all(tx).await?;
                let facts = streams::facts(tx, &streams).await?;
                Ok(streams.into_iter().zip(facts))
            };
            Ok(by_account(read(ctx, look).await?))
        };
        let known = once(&self.0.streams, look).await?;
        Ok(known.get(&of).cloned().unwrap_or_default())
    }

    /// How much of one of them is on the timeline.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn held(&self, ctx: &Context<'_>, of: AccountId) -> Result<Held> {
        let look = async {
            let rows = read(ctx, insights::held).await?;
            Ok(rows.into_iter().map(|row| (row.account_id, row)).collect())
        };
        let known = once(&self.0.held, look).await?;
        Ok(known.get(&of).cloned().unwrap_or_else(|| Held::nothing(of)))
    }
}

/// The jobs, the throughput and the accounts of the batches of a page.
#[derive(Clone)]
pub(super) struct Runs(Arc<Batches>);

struct Batches {
    ids: Vec<BatchId>,
    household: Household,
    jobs: Once<HashMap<BatchId, Vec<JobRow>>>,
    throughput: Once<HashMap<BatchId, Vec<Throughput>>>,
}

impl Runs {
    /// Those of these batches.
    pub(super) fn of(ids: impl IntoIterator<Item = BatchId>) -> Self {
        let (ids, household) = (ids.into_iter().collect(), Household::default());
        Self(Arc::new(Batches { ids, household, jobs: Once::new(), throughput: Once::new() }))
    }

    /// As [`Household::account`].
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn account(&self, ctx: &Context<'_>, id: AccountId) -> Result<Option<Account>> {
        self.0.household.account(ctx, id).await
    }

    /// The jobs of one of them.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn jobs(&self, ctx: &Context<'_>, of: BatchId) -> Result<Vec<Job>> {
        let look = async {
            let mut all: HashMap<BatchId, Vec<JobRow>> = HashMap::new();
            for row in read(ctx, async |tx: &mut _| JobRow::of_batches(tx, &self.0.ids).await).await? {
                all.entry(row.batch_id).or_default().push(row);
            }
            Ok(all)
        };
        let known = once(&self.0.jobs, look).await?;
        Ok(known.get(&of).into_iter().flatten().cloned().map(Job).collect())
    }

    /// How fast one of them went.
    ///
    /// # Errors
    /// When the database fails.
    pub(super) async fn throughput(&self, ctx: &Context<'_>, of: BatchId) -> Result<Vec<Throughput>> {
        let look = async {
            let mut all: HashMap<BatchId, Vec<Throughput>> = HashMap::new();
            let look = async |tx: &mut _| batches::throughput(tx, &self.0.ids, MOST_SPANS).await;
            for row in read(ctx, look).await? {
                all.entry(row.batch_id).or_default().push(row);
            }
            Ok(all)
        };
        let known = once(&self.0.throughput, look).await?;
        Ok(known.get(&of).cloned().unwrap_or_default())
    }
}
