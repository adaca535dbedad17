//! Reads the documents that the operator trusts, once, when the server starts.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail, ensure};
use async_graphql::parser::parse_query;
use serde::Deserialize;

use super::sha256;

/// The forms in which tools write documents with their ids.
#[derive(Deserialize)]
#[serde(untagged)]
enum Manifest {
    /// Apollo's `persisted-query-manifest.json`.
    Apollo { operations: Vec<Operation> },
    /// What GraphQL Code Generator and the Relay compiler write.
    ById(HashMap<String, String>),
}

#[derive(Deserialize)]
struct Operation {
    id: String,
    body: String,
}

/// The documents in a file, or in all files of a folder, by their ids and by the hashes of their texts. A `.json` file holds
/// ids and documents, a `.graphql` file one document whose id is the file's name without its ending.
///
/// # Errors
/// Nothing there, a file of another form, a document that is not GraphQL, or one id for two documents.
pub(super) fn load(path: &Path) -> anyhow::Result<HashMap<String, String>> {
    let mut documents = HashMap::new();
    for file in files(path)? {
        let shown = file.display();
        for (id, text) in read(&file).with_context(|| format!("reading trusted documents from {shown}"))? {
            parse_query(&text).with_context(|| format!("{shown}: the document {id} cannot be read"))?;
            for id in [sha256(&text), id] {
                let before = documents.insert(id.clone(), text.clone());
                ensure!(before.is_none_or(|before| before == text), "{shown}: two documents have the id {id}");
            }
        }
    }
    ensure!(!documents.is_empty(), "{} holds no trusted document", path.display());
    Ok(documents)
}

fn files(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let reading = || format!("reading trusted documents from {}", path.display());
    if !fs::metadata(path).with_context(reading)?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).with_context(reading)? {
        let file = entry.with_context(reading)?.path();
        if matches!(ending(&file), "json" | "graphql") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn ending(file: &Path) -> &str {
    file.extension().and_then(|ending| ending.to_str()).unwrap_or_default()
}

fn read(file: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = fs::read_to_string(file)?;
    Ok(match ending(file) {
        "json" => match serde_json::from_str(&text)? {
            Manifest::Apollo { operations } => operations.into_iter().map(|one| (one.id, one.body)).collect(),
            Manifest::ById(documents) => documents.into_iter().collect(),
        },
        "graphql" => {
            let name = file.file_stem().and_then(|name| name.to_str()).context("the file's name is not text")?;
            vec![(name.to_owned(), text)]
        }
        _ => bail!("a .json or a .graphql file is needed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(files: &[(&str, &str)]) -> anyhow::Result<HashMap<String, String>> {
        let folder = tempfile::tempdir()?;
        for (name, text) in files {
            fs::write(folder.path().join(name), text)?;
        }
        load(folder.path())
    }

    #[test]
    fn each_form_is_read() {
        let apollo = r#"{ "format": "apollo-persisted-query-manifest", "version": 1,
            "operations": [{ "id": "a1", "name": "A", "type": "query", "body": "query A { a }" }] }"#;
        let by_id = r#"{ "b1": "query B { b }" }"#;
        let documents =
            loaded(&[("apollo.json", apollo), ("relay.json", by_id), ("C.graphql", "{ c }\n"), ("notes.txt", "no")]);
        let documents = documents.unwrap();
        for (id, text) in [("a1", "query A { a }"), ("b1", "query B { b }"), ("C", "{ c }\n")] {
            assert_eq!(documents[id], text);
            assert_eq!(documents[&sha256(text)], text);
        }
        assert_eq!(documents.len(), 6);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("one.json");
        fs::write(&file, by_id).unwrap();
        assert_eq!(load(&file).unwrap().len(), 2);
    }

    #[test]
    fn what_cannot_be_trusted_stops_the_start() {
        for (files, why) in [
            (&[][..], "holds no trusted document"),
            (&[("a.json", "{}")], "holds no trusted document"),
            (&[("a.json", "[]")], "a.json"),
            (&[("a.json", r#"{ "a": "{ a" }"#)], "the document a cannot be read"),
            (&[("a.json", r#"{ "x": "{ a }" }"#), ("b.json", r#"{ "x": "{ b }" }"#)], "two documents have the id x"),
        ] {
            let error = format!("{:#}", loaded(files).unwrap_err());
            assert!(error.contains(why), "{error}");
        }
        assert!(load(Path::new("/nowhere/at/all")).is_err());
    }
}
