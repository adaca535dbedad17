//! What can go wrong when the sandbox is started or steered; what its HTTP clients see is in `envelope`.

use std::{io, net::SocketAddr, path::PathBuf};

/// A failure to start or steer the sandbox.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sandbox serves invented people without any protection, so it never listens to a network.
    #[error("{0} is not a loopback address; the sandbox listens on this machine only")]
    NotLoopback(SocketAddr),
    /// The listener could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file or folder could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The state file holds something this version does not understand.
    #[error("line {line} of the state file {} is not understood", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The signing key could not be made.
    #[error("cannot make a signing key")]
    Key,
    /// No such account.
    #[error("no account {0}")]
    UnknownAccount(String),
    /// No such message in the mailbox.
    #[error("no message {0}")]
    UnknownMessage(String),
    /// No such calendar in the account.
    #[error("no calendar {0}")]
    UnknownCalendar(String),
    /// No such event in the calendar.
    #[error("no event {0}")]
    UnknownEvent(String),
    /// Nothing of that name can be made to happen.
    #[error("nothing called {0}")]
    UnknownLever(String),
    /// The event lacks what every event has.
    #[error("not an event: {0}")]
    BadEvent(&'static str),
}
