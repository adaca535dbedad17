//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod auth;
mod consent;
mod flow;
mod migrations;
mod refusals;
mod secrets;
mod support;
mod tenants;
