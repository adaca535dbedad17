//! Programs in other languages that check us from outside: their packages come from their registries, pinned, and are kept
//! under `target/` for the next run.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Output,
};

use tokio::process::Command;

/// A folder with the packages that the file `pins` names, made by `install` unless that was done before.
pub(crate) async fn installed<F: Future<Output = io::Result<Output>>>(
    pins: &Path,
    install: impl FnOnce(PathBuf) -> F,
) -> Result<PathBuf, String> {
    let wanted = fs::read(pins).expect("the pins");
    let described = pins.parent().and_then(Path::file_name).expect("pins lie in a folder");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients").join(described);
    let marker = folder.join(".installed");
    if fs::read(&marker).is_ok_and(|known| known == wanted) {
        return Ok(folder);
    }
    // What is left of other pins, or of an attempt that broke off.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder under target");
    let output = install(folder.clone()).await.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    fs::write(marker, wanted).expect("a marker");
    Ok(folder)
}

/// A Python that has the packages of the `requirements.txt` in a folder.
pub(crate) async fn python(folder: &Path) -> Result<PathBuf, String> {
    let pins = folder.join("requirements.txt");
    let install = async |folder: PathBuf| {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output().await?;
        if !made.status.success() {
            return Ok(made);
        }
        let pip = folder.join("bin/pip");
        Command::new(pip).args(["install", "--quiet", "--disable-pip-version-check", "-r"]).arg(&pins).output().await
    };
    installed(&pins, install).await.map(|folder| folder.join("bin/python"))
}

/// Says on the terminal, past the harness, which shows nothing of a test that passes, that something was not checked.
pub(crate) fn say_unchecked(what: &str, why: &str) {
    let line = format!("\n*** NOT CHECKED: {what}: {}\n\n", why.trim());
    let _ = io::stderr().write_all(line.as_bytes());
}
