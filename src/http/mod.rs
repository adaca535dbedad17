//! The HTTP server: router, authentication, the GraphQL transports, health, metrics, shutdown.
//!
//! It knows tokens, origins and bytes, and no table, provider or job; what an operation does is the schema's matter.

mod answer;
mod attachments;
pub mod auth;
mod body;
mod callback;
mod console;
mod csrf;
mod dispensable;
pub mod documents;
mod envelope;
mod graphiql;
mod graphql;
mod headers;
pub mod health;
mod images;
mod jwks;
mod leftover;
mod limits;
mod linked;
pub mod metrics;
mod operation;
mod pages;
mod patience;
mod purses;
pub mod router;
pub mod server;
pub mod shutdown;
mod socket;
mod stream;

#[cfg(test)]
mod tests;
