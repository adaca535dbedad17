//! The user the servers run as.
//!
//! PostgreSQL refuses to run as root. When we are root, both servers run as an ordinary user of the system, who gets one
//! capability in addition where the checkout lies in a home that he could not enter otherwise.

use std::{
    io,
    os::unix::fs::chown,
    path::Path,
    process::{Command, Stdio},
};

use nix::unistd::{User, geteuid};

use super::{During, Error, programs::search_path};

/// What may let the user into a folder that only root can enter, weakest first: nothing; passing through folders and
/// reading; and, where a container withholds that one, passing through folders, reading and writing.
const KEYS: [Option<&str>; 3] = [None, Some("+dac_read_search"), Some("+dac_override")];

/// Who runs the servers.
pub(super) struct Account {
    /// The user to become; `None` when we are an ordinary user ourselves.
    user: Option<User>,
    /// The capability the user keeps, in the words of `setpriv`.
    key: Option<&'static str>,
}

impl Account {
    /// Ourselves, or when we are root the first ordinary user that can serve.
    ///
    /// # Errors
    /// [`Error::NoAccount`] when we are root and there is none.
    pub(super) fn find() -> Result<Self, Error> {
        if !geteuid().is_root() {
            return Ok(Self { user: None, key: None });
        }
        for name in ["postgres", "nobody"] {
            let found = User::from_name(name).map_err(io::Error::from);
            if let Some(user) = found.during(|| format!("looking up the user {name}"))? {
                return Ok(Self { user: Some(user), key: None });
            }
        }
        Err(Error::NoAccount)
    }

    /// The name of the user to become, if it is not ourselves.
    pub(super) fn name(&self) -> Option<&str> {
        self.user.as_ref().map(|user| user.name.as_str())
    }

    /// Finds the least capability with which the user reaches `file`, and keeps it; `false` when none helps.
    pub(super) fn reach(&mut self, file: &Path) -> Result<bool, Error> {
        if self.user.is_none() {
            return Ok(true);
        }
        for key in KEYS {
            self.key = key;
            let mut stat = self.command(Path::new("stat"), "KILL");
            stat.arg("--").arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if stat.status().during(|| "running setpriv".to_owned())?.success() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Gives a file or folder to the user.
    pub(super) fn give(&self, path: &Path) -> Result<(), Error> {
        match &self.user {
            None => Ok(()),
            Some(user) => chown(path, Some(user.uid.as_raw()), Some(user.gid.as_raw()))
                .during(|| format!("giving {} to {}", path.display(), user.name)),
        }
    }

    /// Runs `program` as the user, with an empty environment, and with the signal `at_death` once the calling thread ends.
    ///
    /// `setpriv` does what in Rust would take unsafe code between fork and exec.
    pub(super) fn command(&self, program: &Path, at_death: &str) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", at_death]);
        if let Some(user) = &self.user {
            command.args(["--reuid", &user.uid.to_string(), "--regid", &user.gid.to_string(), "--init-groups"]);
            if let Some(key) = self.key {
                command.args(["--inh-caps", key, "--ambient-caps", key]);
            }
        }
        command.arg("--").arg(program).env_clear().env("PATH", search_path());
        command
    }
}
