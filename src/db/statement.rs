//! Statements written by hand, prepared once for each connection.
//!
//! Diesel has the server parse what `sql_query` is given anew each time, a round trip of its own, since its text might be any. Ours are
//! the same each time, or one of a few. How such a statement is carried out is still planned for the values at hand
//! (`plan_cache_mode`, `pool.rs`): what suits a person with ten rows does not suit one with a million.

use diesel::{
    QueryResult,
    pg::Pg,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::Untyped,
};

/// A statement that is prepared once.
pub(super) struct Prepared<Q>(Q);

/// Has a statement of `sql_query` prepared once. Its text must be one of a few: each is kept for as long as the connection lives.
pub(super) trait PreparedOnce: Query<SqlType = Untyped> + Sized {
    fn prepared(self) -> Prepared<Self> {
        Prepared(self)
    }
}

impl<Q: Query<SqlType = Untyped>> PreparedOnce for Q {}

impl<Q: Query> Query for Prepared<Q> {
    type SqlType = Q::SqlType;
}

impl<Q> QueryId for Prepared<Q> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Prepared<Q> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _: &Pg) -> QueryResult<bool> {
        Ok(true)
    }
}
