//! Placeholder.
pub mod graphiql;
