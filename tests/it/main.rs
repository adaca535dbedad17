//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod flow;
mod layers;
mod progress;
mod schema;
mod support;
