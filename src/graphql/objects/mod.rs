//! The objects of the API, one file each; each holds the row it came from.

pub(super) mod account;
pub(super) mod audit;
pub(super) mod batch;
mod breaker;
pub(super) mod contact;
pub(super) mod deletion;
pub(super) mod interaction;
pub(super) mod item;
pub(super) mod preferences;
pub(super) mod preview;
pub(super) mod thread;
pub(super) mod words;
