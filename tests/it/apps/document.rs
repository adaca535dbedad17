//! `docs/CLIENTS.md` cannot drift from what is tested: its code is the very lines of files that the tests run.
//!
//! A comment before each piece of code says where it is from: `<!-- file: region -->`, where the file marks the region by lines
//! that end in `begin region` and `end region`; `<!-- file -->` for a whole file; or `<!-- not run here -->`, which the text
//! must say as well. `UPDATE_CLIENTS=1 cargo test document` writes the lines of the files into the document.

use std::{fs, path::Path};

const DOCUMENT: &str = "docs/CLIENTS.md";
const UNRUN: &str = "not run here";

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
        .unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The lines that a comment of the document names, without the indentation that all of them have.
fn lines_of(source: &str) -> Vec<String> {
    let (file, region) = source.split_once(": ").unwrap_or((source, ""));
    let text = read(file);
    let lines: Vec<&str> = match region {
        "" => text.lines().collect(),
        region => {
            let marked =
                |word: &str, line: &&str| line.trim_start_matches(['/', '#', ' ']) == format!("{word} {region}");
            let mut after = text.lines().skip_while(|line| !marked("begin", line)).skip(1);
            let lines = after.by_ref().take_while(|line| !marked("end", line)).collect();
            assert!(after.next().is_some() || text.lines().last().is_some_and(|line| marked("end", &line)), "{source}");
            lines
        }
    };
    let indent = |line: &&str| line.len() - line.trim_start().len();
    let common = lines.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    lines.iter().map(|line| line.get(common..).unwrap_or_default().to_owned()).collect()
}

/// The document with the code of the files, and where its pieces are from.
fn written_anew(document: &str) -> (String, Vec<String>) {
    let (mut anew, mut sources) = (Vec::new(), Vec::new());
    let (mut comment, mut lines) = (None, document.lines());
    while let Some(line) = lines.next() {
        anew.push(line.to_owned());
        if line.starts_with("```") {
            let source: &str = comment.unwrap_or_else(|| panic!("nothing says where the code is from: {line}"));
            let code = lines.by_ref().take_while(|line| *line != "```").map(str::to_owned).collect();
            anew.extend(if source == UNRUN { code } else { lines_of(source) });
            anew.push("```".to_owned());
            sources.push(source.to_owned());
        }
        comment = line.strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
    }
    (anew.join("\n") + "\n", sources)
}

#[test]
fn the_code_for_those_who_write_clients_is_what_the_tests_run() {
    let document = read(DOCUMENT);
    let (anew, sources) = written_anew(&document);
    if std::env::var_os("UPDATE_CLIENTS").is_some() {
        fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(DOCUMENT), &anew).expect("written");
        return;
    }
    let differs = anew.lines().zip(document.lines()).find(|(tested, shown)| tested != shown);
    assert!(anew == document, "UPDATE_CLIENTS=1 mends it: {differs:?}");
    let unrun = sources.iter().filter(|source| *source == UNRUN).count();
    assert_eq!((sources.len() - unrun > 10, unrun), (true, 2), "{sources:?}");
}
