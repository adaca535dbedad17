//! Drives the sandbox over HTTP as a client of Google would.

mod calendar;
mod gmail;
mod oauth;
mod support;
mod whole;
