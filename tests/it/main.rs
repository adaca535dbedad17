//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod auth;
mod chaos;
mod clients;
mod completeness;
mod consent;
mod control;
mod corpus;
mod crash;
mod disconnect;
mod faults;
mod flow;
mod layers;
mod ledger;
mod migrations;
mod preview;
mod progress;
mod projection;
mod quota;
mod refusals;
mod schema;
mod secrets;
mod support;
mod tenants;
mod undo;
