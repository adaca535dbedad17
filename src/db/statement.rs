//! Statements written by hand, prepared once for each connection.
//!
//! Diesel has the server parse what `sql_query` is given anew each time, a round trip of its own, since its text might be any. Ours are
//! the same each time, or one of a few. How such a statement is carried out is still planned for the values at hand
//! (`plan_cache_mode`, `pool.rs`): what suits a person with ten rows does not suit one with a million. What goes one way whatever the
//! values are is planned once, too: [`Tx::each`](super::Tx::each) and [`Db::begin_planned`](super::Db::begin_planned).

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, BoxedSqlQuery, Query, QueryFragment, QueryId, SqlQuery},
    serialize::ToSql,
    sql_types::{HasSqlType, Untyped},
};

/// A statement that is prepared once.
pub(super) struct Statement<'q>(BoxedSqlQuery<'q, Pg, SqlQuery>);

/// A statement with this text, which must be one of a few: each is kept for as long as the connection lives.
#[expect(clippy::disallowed_methods, reason = "this is what stands in its place")]
pub(super) fn sql<'q>(text: impl Into<String>) -> Statement<'q> {
    Statement(diesel::sql_query(text).into_boxed())
}

impl<'q> Statement<'q> {
    /// Gives the next parameter its value.
    pub(super) fn bind<Type, Value>(self, value: Value) -> Self
    where
        Pg: HasSqlType<Type>,
        Type: Send + 'q,
        Value: ToSql<Type, Pg> + Send + 'q,
    {
        Self(self.0.bind::<Type, Value>(value))
    }
}

impl Query for Statement<'_> {
    type SqlType = Untyped;
}

impl QueryId for Statement<'_> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Pg> for Statement<'_> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}
