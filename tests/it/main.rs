//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod auth;
mod chaos;
mod clients;
mod completeness;
mod consent;
mod control;
mod corpus;
mod crash;
mod deletions;
mod disconnect;
mod faults;
mod flow;
mod layers;
mod migrations;
mod progress;
mod projection;
mod quota;
mod refusals;
mod schema;
mod secrets;
mod status;
mod support;
mod tenants;
mod undo;
