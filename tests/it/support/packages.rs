//! Programs in other languages that check us from outside: their packages come from their registries, pinned, and are kept
//! under `target/` for the next run.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Output,
};

use tokio::{process::Command, sync::Mutex};

/// A folder with the packages that the file `pins` names, made by `install` unless that was done before.
async fn installed<F: Future<Output = io::Result<Output>>>(
    pins: &Path,
    install: impl FnOnce(PathBuf) -> F,
) -> Result<PathBuf, String> {
    // Several tests want the same packages, and one of them is first.
    static INSTALLING: Mutex<()> = Mutex::const_new(());
    let _installing = INSTALLING.lock().await;
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

/// A folder whose `node_modules` has the packages of the `package-lock.json` in a folder.
pub(crate) async fn node_packages(folder: &Path) -> Result<PathBuf, String> {
    let install = async |into: PathBuf| {
        for file in ["package.json", "package-lock.json"] {
            fs::copy(folder.join(file), into.join(file))?;
        }
        let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        Command::new("npm").args(quiet).current_dir(&into).output().await
    };
    installed(&folder.join("package-lock.json"), install).await
}

/// A Node.js that finds the packages of the `package-lock.json` in a folder, by `require`.
pub(crate) async fn node(folder: &Path) -> Result<Command, String> {
    let packages = node_packages(folder).await?;
    let mut node = Command::new("node");
    node.env("NODE_PATH", packages.join("node_modules")).kill_on_drop(true);
    Ok(node)
}

/// Says on the terminal that something was not checked.
pub(crate) fn say_unchecked(what: &str, why: &str) {
    say(&format!("*** NOT CHECKED: {what}: {}", why.trim()));
}

/// Says something on the terminal, past the harness, which shows nothing of a test that passes.
pub(crate) fn say(line: &str) {
    let _ = io::stderr().write_all(format!("\n{line}\n\n").as_bytes());
}
