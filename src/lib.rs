//! omnisync: a person's Gmail and Google Calendar as one timeline, with consent, live progress and a real undo.
//!
//! The rooms below stand in floor order, lowest first. A room imports only from lower floors, and two rooms on the same
//! floor never import each other; `tests/it/layers.rs` reads the sources and fails on the first wrong arrow. The map with
//! its invariants is `docs/ARCHITECTURE.md`.

// Floor 0: the environment read once, the wall clock, sealing, tracing, metrics.
pub mod clock;
pub mod config;
pub mod meters;
pub mod seal;
pub mod telemetry;

// Floor 1: pure facts and rules; no I/O, no clock.
pub mod domain;

// Floor 2: the only room that knows Diesel, the providers' wire, and Redis.
pub mod broker;
pub mod db;
pub mod providers;

// Floor 3: handles built from the configuration.
pub mod app;

// Floor 4: the verbs; every write passes here.
pub mod sync;

// Floor 5: the two doors.
pub mod graphql;
pub mod worker;

// Floor 6: axum.
pub mod http;

// Floor 7: everything on one machine, and what is wrong with it.
pub mod dev;
pub mod doctor;

// Apart: a Google on loopback that shares no line with `providers`.
pub mod sandbox;
