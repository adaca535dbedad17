//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod auth;
mod flow;
mod migrations;
mod support;
mod tenants;
