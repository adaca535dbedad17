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

/// A folder of a test's own, made anew under `target/`: what a folder holds, with the packages of its `package-lock.json` and
/// the exported schema.
pub(crate) async fn workbench(described: &Path, name: &str) -> Result<PathBuf, String> {
    let packages = node_packages(described).await?;
    let kind = described.file_name().expect("a folder has a name");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(kind).join(name);
    let _ = fs::remove_dir_all(&folder);
    copy(described, &folder).expect("a folder under target");
    std::os::unix::fs::symlink(packages.join("node_modules"), folder.join("node_modules")).expect("a link");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema.graphql");
    fs::copy(schema, folder.join("schema.graphql")).expect("the schema");
    Ok(folder)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// The browser, by the name that Debian or others give it.
pub(crate) fn browser() -> Result<PathBuf, String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut programs = std::env::split_paths(&path)
        .flat_map(|folder| ["chromium", "chromium-browser", "google-chrome"].map(|name| folder.join(name)));
    programs
        .find(|program| program.is_file())
        .ok_or_else(|| "Chromium was not found; install the package chromium".to_owned())
}

/// Says on the terminal that something was not checked.
pub(crate) fn say_unchecked(what: &str, why: &str) {
    say(&format!("*** NOT CHECKED: {what}: {}", why.trim()));
}

/// Says something on the terminal, past the harness, which shows nothing of a test that passes.
pub(crate) fn say(line: &str) {
    let _ = io::stderr().write_all(format!("\n{line}\n\n").as_bytes());
}
