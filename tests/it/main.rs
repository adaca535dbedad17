//! Every integration test, in one binary: real PostgreSQL, real Redis, the real HTTP stack, and a Google on loopback.

mod corpus;
mod crash;
mod faults;
mod flow;
mod progress;
mod projection;
mod quota;
mod support;
mod undo;
