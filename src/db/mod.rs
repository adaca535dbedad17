//! The only room that knows Diesel: pools, tenant-scoped transactions, and one file for each table's statements.
//!
//! Functions here take an open [`Tx`] and never decide anything: what belongs in one transaction, `sync` says. This room knows
//! neither providers nor Redis, and sees tokens and payloads only sealed.

pub mod accounts;
pub mod audit;
pub mod batches;
pub mod blocklist;
pub mod changes;
pub mod contacts;
pub mod copies;
pub mod insights;
pub mod interactions;
pub mod items;
pub mod jobs;
pub mod locks;
mod migrate;
pub mod people;
mod pool;
pub mod preferences;
pub mod previews;
pub mod purge;
pub mod raw_events;
pub mod reprojection;
pub mod schema;
mod scope;
pub mod search;
mod statement;
pub mod statistics;
pub mod stored;
pub mod streams;
pub mod threads;
pub mod undo;
pub mod undone;
pub mod users;
mod words;

pub use migrate::{MigrationReport, migrate, pending_migrations, role_faults};
pub use pool::{Db, Error, Result, Timeouts};
pub use scope::Tx;
