//! Transactions that may touch one person's rows and no others.

use std::{
    mem,
    ops::{Deref, DerefMut},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use diesel::{
    QueryResult,
    connection::{InstrumentationEvent, get_default_instrumentation},
    pg::Pg,
    query_builder::{AsQuery, QueryFragment, QueryId},
};
use diesel_async::{
    AsyncConnection, AsyncConnectionCore, AsyncPgConnection, SimpleAsyncConnection, methods::ExecuteDsl,
    pooled_connection::deadpool::Object,
};
use futures::{
    FutureExt, StreamExt,
    future::{BoxFuture, join, join3, try_join_all},
    poll,
    stream::poll_fn,
};
use tokio::{task::unconstrained, time::timeout};

use super::{Db, Result, pool};
use crate::domain::ids::UserId;

/// How long a rollback may wait for a statement that still runs, for nobody, until that is called off.
const CALLED_OFF_AFTER: Duration = Duration::from_millis(250);

/// An open transaction. Dropped without [`Tx::commit`], it is rolled back.
///
/// Invariant: every statement sees `app.user_id` as the user it was opened for, or, for the scheduler, nothing. The setting
/// ends with the transaction, so a pooled connection carries no one's name to its next user.
///
/// # Cancel safety
/// A future dropped while a statement runs, because its time is over or whoever asked has gone, has the statement called off, too.
pub struct Tx {
    /// `None` once the transaction is over.
    session: Option<Session>,
    user: Option<UserId>,
}

/// A connection whose transaction begins with its first statement: the two go out together, and the database answers both in one round
/// trip. It takes them in the order in which they are sent.
pub struct Session {
    conn: Object<AsyncPgConnection>,
    begin: Begin,
}

/// Where a session's next statement finds its transaction.
enum Begin {
    /// It is open.
    Open,
    /// The statement begins it with this.
    First(String),
    /// The statement begins it with this and ends it, too, where that can be sent along with it.
    Alone(String, Arc<Alone>),
}

/// What is known of a statement that is a transaction of its own.
#[derive(Debug, Default)]
struct Alone {
    /// The server has to be asked to prepare it, so that it goes out later than what is sent with it.
    is_new: AtomicBool,
    /// Not all of its rows have been read.
    is_running: AtomicBool,
}

impl Db {
    /// Opens a transaction for one person.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin(&self, user: UserId) -> Result<Tx> {
        // A UUID prints as hexadecimal digits and hyphens only, so it needs no quoting.
        self.begin_with(format!("BEGIN; SET LOCAL app.user_id = '{user}'"), Some(user)).await
    }

    /// For statements of one person that only read. Each is a transaction of its own, in a single round trip once the connection knows
    /// it. None sees the moment of another, but neither do those of [`Db::begin`].
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_reading(&self, user: UserId) -> Result<Tx> {
        self.begin_alone(format!("BEGIN READ ONLY; SET LOCAL app.user_id = '{user}'"), user).await
    }

    /// As [`Db::begin_reading`], for statements that are planned once for each connection, for no values in particular: those that find
    /// their rows in one and the same way whatever is asked. Planning takes longer than such a statement does.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_planned(&self, user: UserId) -> Result<Tx> {
        let sql = format!(
            "BEGIN READ ONLY; SET LOCAL app.user_id = '{user}'; SET LOCAL plan_cache_mode = force_generic_plan"
        );
        self.begin_alone(sql, user).await
    }

    /// Opens a transaction for one person that only reads, and all of whose statements see one and the same moment.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_moment(&self, user: UserId) -> Result<Tx> {
        let sql = format!("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL app.user_id = '{user}'");
        self.begin_with(sql, Some(user)).await
    }

    /// Opens a transaction for nobody: of use to the scheduler's role only, whose grants reach across people.
    ///
    /// # Errors
    /// When no connection can be had.
    pub async fn begin_unscoped(&self) -> Result<Tx> {
        self.begin_with("BEGIN".to_owned(), None).await
    }

    async fn begin_with(&self, sql: String, user: Option<UserId>) -> Result<Tx> {
        let session = Session { conn: self.connection().await?, begin: Begin::First(sql) };
        Ok(Tx { session: Some(session), user })
    }

    async fn begin_alone(&self, sql: String, user: UserId) -> Result<Tx> {
        let mut conn = self.connection().await?;
        let alone = Arc::<Alone>::default();
        let told = alone.clone();
        // The driver tells of a statement that it has not kept before it has the server prepare it.
        let mut others = get_default_instrumentation();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if matches!(event, InstrumentationEvent::CacheQuery { .. }) {
                told.is_new.store(true, Ordering::Relaxed);
            }
            if let Some(other) = &mut others {
                other.on_connection_event(event);
            }
        });
        Ok(Tx { session: Some(Session { conn, begin: Begin::Alone(sql, alone) }), user: Some(user) })
    }
}

impl Tx {
    /// Whose rows this transaction may touch.
    pub fn user(&self) -> UserId {
        self.user.expect("only the scheduler's statements run without a user, and none of them asks")
    }

    /// Runs these statements, each of which finds its rows by their key, all of them on their way at once. They are planned once
    /// for each connection: planning one takes longer than carrying it out.
    ///
    /// # Errors
    /// When the database refuses one of them.
    pub(super) async fn each<S>(&mut self, statements: impl IntoIterator<Item = S>) -> Result<()>
    where
        S: for<'c> ExecuteDsl<&'c AsyncPgConnection>,
    {
        let statements: Vec<S> = statements.into_iter().collect();
        if statements.is_empty() {
            return Ok(());
        }
        self.batch_execute("SET LOCAL plan_cache_mode = force_generic_plan").await?;
        let conn: &AsyncPgConnection = &self.conn;
        let run = async |statement| ExecuteDsl::execute(statement, &mut { conn }).await;
        try_join_all(statements.into_iter().map(run)).await?;
        Ok(self.batch_execute("SET LOCAL plan_cache_mode = force_custom_plan").await?)
    }

    /// Makes everything since the beginning permanent.
    ///
    /// # Errors
    /// When the database cannot; then nothing was.
    pub async fn commit(mut self) -> Result<()> {
        // Until the database has answered, the connection is not given back.
        if matches!(self.begin, Begin::Open) {
            self.batch_execute("COMMIT").await?;
        }
        self.session = None;
        Ok(())
    }
}

impl Drop for Tx {
    fn drop(&mut self) {
        let Some(mut session) = self.session.take().filter(Session::is_busy) else { return };
        // Without a runtime (at shutdown) the connection is simply closed, which rolls back as well.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(Object::take(session.conn)) };
        runtime.spawn(async move {
            match timeout(CALLED_OFF_AFTER, session.batch_execute("ROLLBACK")).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::debug!(error = %error, "rollback failed; the connection is discarded");
                    drop(Object::take(session.conn));
                }
                // The database may hear of it late, and would then end a statement of whoever has the connection next. Nobody has.
                Err(_) => pool::call_off(Object::take(session.conn)).await,
            }
        });
    }
}

impl Deref for Tx {
    type Target = Session;

    fn deref(&self) -> &Self::Target {
        self.session.as_ref().expect("present until commit or drop, which both end the value")
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.session.as_mut().expect("present until commit or drop, which both end the value")
    }
}

impl Session {
    /// Whether a transaction is open, or a statement may still run.
    fn is_busy(&self) -> bool {
        match &self.begin {
            Begin::Open => true,
            Begin::First(_) => false,
            Begin::Alone(_, alone) => alone.is_running.load(Ordering::Relaxed),
        }
    }

    /// Has what begins the transaction on its way before the answer of its first statement is asked for.
    fn after_begin<'c, T: Send + 'c>(
        conn: &'c AsyncPgConnection,
        begin: String,
        answer: BoxFuture<'c, QueryResult<T>>,
    ) -> BoxFuture<'c, QueryResult<T>> {
        let both = async move {
            // The first of the two is polled first, and sends what it sends when it is.
            let (begun, answer) = join(async { (&mut { conn }).batch_execute(&begin).await }, answer).await;
            begun?;
            answer
        };
        both.boxed()
    }
}

impl SimpleAsyncConnection for Session {
    async fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        match mem::replace(&mut self.begin, Begin::Open) {
            Begin::Open => self.conn.batch_execute(query).await,
            Begin::First(begin) | Begin::Alone(begin, _) => self.conn.batch_execute(&format!("{begin}; {query}")).await,
        }
    }
}

impl AsyncConnectionCore for Session {
    type ExecuteFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<usize>>;
    type LoadFuture<'conn, 'query> = BoxFuture<'conn, QueryResult<Self::Stream<'conn, 'query>>>;
    type Stream<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Stream<'conn, 'query>;
    type Row<'conn, 'query> = <AsyncPgConnection as AsyncConnectionCore>::Row<'conn, 'query>;
    type Backend = Pg;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> Self::LoadFuture<'conn, 'query>
    where
        T: AsQuery + 'query,
        T::Query: QueryFragment<Pg> + QueryId + 'query,
    {
        let Self { conn, begin } = self;
        let conn: &'conn AsyncPgConnection = conn;
        match mem::replace(begin, Begin::Open) {
            Begin::Open => (&mut { conn }).load(source),
            Begin::First(sql) => Self::after_begin(conn, sql, (&mut { conn }).load(source)),
            Begin::Alone(sql, alone) => {
                let query = source.as_query();
                // One that is not kept is prepared each time, and nobody is told.
                let is_kept = query.is_safe_to_cache_prepared(&Pg).unwrap_or(false);
                alone.is_new.store(!is_kept, Ordering::Relaxed);
                let answer = (&mut { conn }).load(query);
                let whole = async move {
                    // Each sends what it sends when it is first polled, and they are polled in this order. Without constraint, so that
                    // the statement does not put that off where the task has done much in its turn.
                    let end = async {
                        let can_end = !alone.is_new.load(Ordering::Relaxed);
                        if can_end {
                            // What the database says to that is not waited for: it says it before it answers what comes next.
                            let _ = poll!(pin!(async { (&mut { conn }).batch_execute("COMMIT").await }));
                        }
                        can_end
                    };
                    let begun = async { (&mut { conn }).batch_execute(&sql).await };
                    let (begun, answer, has_ended) = join3(begun, unconstrained(answer), end).await;
                    if !has_ended {
                        begun?;
                        return answer;
                    }
                    alone.is_running.store(answer.is_ok(), Ordering::Relaxed);
                    *begin = Begin::Alone(sql, alone.clone());
                    begun?;
                    let is_over = poll_fn(move |_| {
                        alone.is_running.store(false, Ordering::Relaxed);
                        Poll::Ready(None)
                    });
                    Ok(answer?.chain(is_over).boxed())
                };
                whole.boxed()
            }
        }
    }

    fn execute_returning_count<'conn, 'query, T>(&'conn mut self, source: T) -> Self::ExecuteFuture<'conn, 'query>
    where
        T: QueryFragment<Pg> + QueryId + 'query,
    {
        let Self { conn, begin } = self;
        let conn: &'conn AsyncPgConnection = conn;
        match mem::replace(begin, Begin::Open) {
            Begin::Open => (&mut { conn }).execute_returning_count(source),
            Begin::First(sql) | Begin::Alone(sql, _) => {
                Self::after_begin(conn, sql, (&mut { conn }).execute_returning_count(source))
            }
        }
    }
}
