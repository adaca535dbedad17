//! The map of `src/lib.rs`, held by reading the sources: who may import whom, and which room may name which crate.
//!
//! Reads text, not syntax: comments and unit tests are cut off first, and every path that begins with `crate::` or with a
//! crate's name is looked at. A path that a macro builds would escape it; there is none.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// Lowest first. A room imports from lower floors only; rooms on one floor never import each other.
const FLOORS: &[&[&str]] = &[
    &["clock", "config", "meters", "seal", "telemetry"],
    &["domain"],
    &["broker", "db", "providers"],
    &["app"],
    &["sync"],
    &["graphql", "worker"],
    &["http"],
    &["dev", "doctor"],
];

/// Arrows that the floors forbid, and why they are right all the same: importing room, imported room.
const ALLOWED: &[(&str, &str)] = &[
    // The wall clock and the settings are below everything; the key that wraps is one of the settings.
    ("seal", "config"),
    ("telemetry", "config"),
    // The one-machine mode is where a sandbox Google belongs. The sandbox itself imports nothing of ours.
    ("dev", "sandbox"),
];

/// Crates that only some rooms, or some files, may name.
const CRATES: &[(&[&str], &[&str])] = &[
    (&["diesel", "diesel_async", "diesel_migrations", "deadpool", "tokio_postgres"], &["db/"]),
    // http/jwks.rs fetches the keys of whoever issues our users' tokens, which is no provider's wire.
    (&["reqwest", "oauth2"], &["providers/", "http/jwks.rs"]),
    (&["redis", "apalis_redis"], &["broker/"]),
    (&["apalis", "apalis_core"], &["broker/", "worker/"]),
    (&["async_graphql", "async_graphql_parser"], &["graphql/", "http/"]),
    (&["axum"], &["http/", "sandbox/"]),
    (&["metrics", "metrics_exporter_prometheus"], &["meters.rs"]),
];

struct Import {
    line: usize,
    /// The path's beginning: `crate`, or a crate's name.
    head: String,
    /// With `crate`: the rooms it names.
    rooms: Vec<String>,
}

/// The source of a file without its comments and its unit tests, line for line.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).expect("a source can be read");
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let without_comment = |line: &str| match line.trim_start().starts_with("//") {
        true => String::new(),
        false => line.split(" // ").next().unwrap_or_default().to_owned(),
    };
    text.lines().map(|line| without_comment(line) + "\n").collect()
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The word that a text begins with.
fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

/// The rooms that follow `crate::`: one, or those at the first level of braces.
fn rooms(after: &str) -> Vec<String> {
    let Some(inside) = after.strip_prefix('{') else { return vec![word(after).to_owned()] };
    let (mut depth, mut at_start, mut found) = (0, true, Vec::new());
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => at_start = true,
            c if is_word(c) && at_start => {
                found.push(word(&inside[at..]).to_owned());
                at_start = false;
            }
            _ => {}
        }
    }
    found
}

fn imports(code: &str) -> Vec<Import> {
    let starts = code.match_indices("::").filter_map(|(at, _)| {
        let before = &code[..at];
        let start = before.rfind(|c| !is_word(c)).map_or(0, |last| last + 1);
        let head = &before[start..];
        let begins_path = !head.is_empty() && !before[..start].ends_with(':');
        let line = before.matches('\n').count() + 1;
        let rooms = if head == "crate" { rooms(&code[at + 2..]) } else { Vec::new() };
        begins_path.then(|| Import { line, head: head.to_owned(), rooms })
    });
    starts.collect()
}

/// Every source file with its path below `src`, unit tests in files of their own left out.
fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut folders, mut found) = (vec![root.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(&root).ok().and_then(Path::to_str).expect("a plain name below src").to_owned();
            let stem = path.file_stem().and_then(OsStr::to_str).expect("a plain name");
            let is_test = stem == "tests" || stem.ends_with("_tests") || stem.starts_with("test_");
            match path.is_dir() {
                _ if is_test => {}
                true => folders.push(path),
                false if name.ends_with(".rs") => found.push((name, path)),
                false => {}
            }
        }
    }
    found.sort();
    found
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// Whether `from` may import `to`.
fn may_import(from: &str, to: &str) -> bool {
    let lower = match (floor(from), floor(to)) {
        (Some(from), Some(to)) => to < from,
        // The sandbox and names that are no rooms.
        _ => false,
    };
    from == to || lower || ALLOWED.contains(&(from, to))
}

#[test]
fn rooms_import_only_from_lower_floors() {
    for (name, path) in sources() {
        let room = word(&name);
        if matches!(room, "main" | "lib") {
            continue;
        }
        assert!(
            room == "sandbox" || floor(room).is_some(),
            "src/{name}: put the new room on a floor, here and in lib.rs"
        );
        for import in imports(&code(&path)) {
            for to in &import.rooms {
                assert!(may_import(room, to), "src/{name}:{}: {room} must not import {to}", import.line);
            }
        }
    }
}

#[test]
fn each_crate_is_named_in_its_room_only() {
    for (name, path) in sources() {
        let code = code(&path);
        // A module of one's own may be called as a crate is: `dev/services/redis.rs`.
        let is_own = |head: &str| code.contains(&format!("mod {head};"));
        for import in imports(&code).into_iter().filter(|import| !is_own(&import.head)) {
            for (crates, places) in CRATES.iter().filter(|(crates, _)| crates.contains(&import.head.as_str())) {
                let here = places.iter().any(|place| name.starts_with(place));
                assert!(here, "src/{name}:{}: {} belongs to {places:?}, with {crates:?}", import.line, import.head);
            }
        }
    }
}

#[test]
fn the_reader_finds_what_it_looks_for() {
    let text = "use crate::{app::App,\n    db::{self, Tx}, seal};\nfn f() { crate::http::serve(); x::crate_name::y }\nuse axum::Router;";
    let found = imports(text);
    let of_crate = || found.iter().filter(|import| import.head == "crate");
    assert_eq!(of_crate().flat_map(|import| import.rooms.clone()).collect::<Vec<_>>(), ["app", "db", "seal", "http"]);
    assert_eq!(of_crate().map(|import| import.line).collect::<Vec<_>>(), [1, 3]);
    assert!(found.iter().any(|import| import.head == "axum" && import.line == 4));
    assert!(!found.iter().any(|import| import.head == "crate_name"));
}
