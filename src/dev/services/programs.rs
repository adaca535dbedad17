//! Where the programs of PostgreSQL and Redis are.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

use super::Error;

/// Debian keeps each major version of PostgreSQL in a folder of its own, outside `PATH`.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// The programs that were found.
pub(super) struct Programs {
    pub(super) postgres: PathBuf,
    pub(super) initdb: PathBuf,
    pub(super) redis: PathBuf,
}

impl Programs {
    /// Looks in `PATH` first, then where Debian installs.
    ///
    /// # Errors
    /// [`Error::Missing`] names the program and the package that holds it.
    pub(super) fn find() -> Result<Self, Error> {
        let path: Vec<PathBuf> = env::split_paths(&search_path()).collect();
        let postgres = path
            .iter()
            .cloned()
            .chain(debian_versions())
            .find(|dir| dir.join("postgres").is_file() && dir.join("initdb").is_file())
            .ok_or(Error::Missing { program: "PostgreSQL", package: "postgresql" })?;
        let redis = path
            .iter()
            .map(|dir| dir.join("redis-server"))
            .find(|program| program.is_file())
            .ok_or(Error::Missing { program: "Redis", package: "redis-server" })?;
        if !path.iter().any(|dir| dir.join("setpriv").is_file()) {
            return Err(Error::Missing { program: "setpriv", package: "util-linux" });
        }
        Ok(Self { postgres: postgres.join("postgres"), initdb: postgres.join("initdb"), redis })
    }
}

/// The caller's `PATH`, with the system's folders added where it is emptied.
///
/// It says where programs are and configures nothing of ours, which is why it is not a field of `Config`.
pub(super) fn search_path() -> OsString {
    let mut path = env::var_os("PATH").unwrap_or_default();
    if !path.is_empty() {
        path.push(":");
    }
    path.push("/usr/local/bin:/usr/bin:/bin");
    path
}

/// The folders of programs of every installed version, newest first.
fn debian_versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    let mut versions: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    versions.sort_unstable_by(|a, b| b.cmp(a));
    versions.into_iter().map(|version| Path::new(DEBIAN_POSTGRES).join(version.to_string()).join("bin")).collect()
}
