//! The folder that holds data, logs and the password of the servers.

use std::{
    fs::{self, File, OpenOptions, Permissions, TryLockError},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{Account, During, Error};

/// A folder that belongs to this process as long as the value lives.
pub(super) struct Folder {
    pub(super) path: PathBuf,
    /// Whether the data may be lost with the machine, and is removed at the next start.
    pub(super) throwaway: bool,
    /// Holds the lock.
    _lock: File,
}

impl Folder {
    /// Locks `path`.
    ///
    /// # Errors
    /// [`Error::InUse`] while another process has it.
    pub(super) fn kept(path: &Path, account: &mut Account) -> Result<Self, Error> {
        let path = reachable(path, account)?;
        let lock = lock(&path)?.ok_or_else(|| Error::InUse(path.clone()))?;
        Ok(Self { path, throwaway: false, _lock: lock })
    }

    /// Locks the first free one of `under/0`, `under/1` and so on.
    pub(super) fn throwaway(under: &Path, account: &mut Account) -> Result<Self, Error> {
        let under = reachable(under, account)?;
        let mut number = 0;
        loop {
            let path = under.join(number.to_string());
            create(&path, account)?;
            if let Some(lock) = lock(&path)? {
                return Ok(Self { path, throwaway: true, _lock: lock });
            }
            number += 1;
        }
    }

    /// Clears what earlier runs should not leave to this one. No server may be alive on the folder.
    pub(super) fn prepare(&self) -> Result<(), Error> {
        if self.throwaway {
            remove(&self.postgres())?;
            remove(&self.redis())?;
        }
        Ok(())
    }

    /// PostgreSQL's data.
    pub(super) fn postgres(&self) -> PathBuf {
        self.path.join("postgres")
    }

    /// Redis's data.
    pub(super) fn redis(&self) -> PathBuf {
        self.path.join("redis")
    }

    /// Creates the data folder `path` for the servers' user, and for nobody else.
    pub(super) fn create_data(&self, path: &Path, account: &Account) -> Result<(), Error> {
        fs::create_dir_all(path).during(|| format!("creating {}", path.display()))?;
        restrict(path, 0o700)?;
        account.give(path)
    }

    /// An empty file for what the server `name` writes in this run.
    pub(super) fn log(&self, name: &str) -> Result<(File, PathBuf), Error> {
        let path = self.path.join(format!("{name}.log"));
        let file = private().truncate(true).open(&path).during(|| format!("creating {}", path.display()))?;
        Ok((file, path))
    }

    /// The password of both servers: 64 hexadecimal digits, made at the first start and kept where only we can read it.
    pub(super) fn password(&self) -> Result<String, Error> {
        let path = self.path.join("password");
        // Only a whole password counts: a crash may have left an empty file.
        if let Ok(password) = fs::read_to_string(&path)
            && password.len() == 64
        {
            return Ok(password);
        }
        let password = hex::encode(rand::random::<[u8; 32]>());
        write_private(&path, &password)?;
        Ok(password)
    }
}

/// Creates `wanted`, or where the servers' user cannot be let in, a folder in the system's place for such data.
fn reachable(wanted: &Path, account: &mut Account) -> Result<PathBuf, Error> {
    create(wanted, account)?;
    let wanted = wanted.canonicalize().during(|| format!("resolving {}", wanted.display()))?;
    lock_file(&wanted)?;
    if account.reach(&wanted.join("lock"))? {
        return Ok(wanted);
    }
    let mut hasher = DefaultHasher::new();
    wanted.hash(&mut hasher);
    // Only root can write there, so nobody else can have prepared the folder.
    let elsewhere = PathBuf::from(format!("/var/lib/omnisync-dev-{:016x}", hasher.finish()));
    create(&elsewhere, account)?;
    lock_file(&elsewhere)?;
    if !account.reach(&elsewhere.join("lock"))? {
        return Err(Error::Unreachable { user: account.name().unwrap_or_default().to_owned(), folder: wanted });
    }
    eprintln!("the servers' user cannot enter {}; their data is in {}", wanted.display(), elsewhere.display());
    Ok(elsewhere)
}

/// Creates a folder that others cannot list; the servers' user may pass through it to what is his. A folder that exists
/// keeps its mode.
fn create(path: &Path, account: &Account) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(path).during(|| format!("creating {}", path.display()))?;
    restrict(path, if account.name().is_some() { 0o711 } else { 0o700 })
}

fn restrict(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, Permissions::from_mode(mode)).during(|| format!("restricting {}", path.display()))
}

/// Opens files that nobody else may read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).write(true).mode(0o600);
    options
}

fn lock_file(folder: &Path) -> Result<File, Error> {
    let path = folder.join("lock");
    private().truncate(false).open(&path).during(|| format!("opening {}", path.display()))
}

/// `None` while another process holds the lock. The kernel releases it with the process.
fn lock(folder: &Path) -> Result<Option<File>, Error> {
    let file = lock_file(folder)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error).during(|| format!("locking {}", folder.display())),
    }
}

/// Replaces a file that nobody else may read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<(), Error> {
    let step = || format!("writing {}", path.display());
    let mut file = private().truncate(true).open(path).during(step)?;
    file.write_all(text.as_bytes()).during(step)
}

/// Removes a folder that may be absent.
pub(super) fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).during(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}
