//! Drives the sandbox over HTTP as a client of Google would.

mod batch;
mod calendar;
mod discovery;
mod faults;
mod gmail;
mod oauth;
mod quota;
mod support;
mod whole;
