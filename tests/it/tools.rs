//! The tools of those who write clients accept the schema: graphql-eslint, graphql-inspector, and Relay's compiler.
//!
//! They come from npm, pinned, and are kept under `target/` for the next run. Where they cannot be had the tests say so on the
//! terminal, whatever the harness captures, and check nothing.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use tokio::process::Command;

use crate::support::{say_unchecked, workbench};

/// A folder of a test's own with the tools, what they are told, and the schema.
struct Bench(PathBuf);

impl Bench {
    /// `None` where the tools cannot be had.
    async fn set_up(name: &str) -> Option<Self> {
        let described = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/schema");
        match workbench(&described, name).await {
            Ok(folder) => Some(Self(folder)),
            Err(why) => {
                say_unchecked(&format!("the schema by {name}"), &why);
                None
            }
        }
    }

    async fn node(&self, within: &str, program: &[&str]) -> Output {
        let mut node = Command::new("node");
        node.args(program).current_dir(self.0.join(within)).kill_on_drop(true).output().await.expect("node runs")
    }

    fn write(&self, file: &str, text: &str) {
        fs::write(self.0.join(file), text).expect("it is written");
    }

    fn schema(&self) -> String {
        fs::read_to_string(self.0.join("schema.graphql")).expect("the schema")
    }
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rules_for_schemas_and_for_relay_hold_but_for_exceptions_with_a_reason() {
    let Some(bench) = Bench::set_up("graphql-eslint").await else { return };
    let output = bench.node("", &["lint.mjs"]).await;
    assert!(output.status.success(), "{}", said(&output));
    println!("{}", said(&output).trim());
    // Not in vain: what breaks a rule is found.
    let broken = bench.schema().replacen("type Tally {", "type Tally {\n\tNot_Camel: String", 1);
    bench.write("schema.graphql", &broken);
    let output = bench.node("", &["lint.mjs"]).await;
    assert!(!output.status.success() && said(&output).contains("Not_Camel"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_breaks_a_client_is_named_with_its_reason() {
    let Some(bench) = Bench::set_up("graphql-inspector").await else { return };
    let output = bench.node("", &["diff.mjs"]).await;
    assert!(output.status.success(), "{}", said(&output));
    println!("{}", said(&output).trim());
    let landed = fs::read_to_string(bench.0.join("landed.graphql")).expect("the schema that landed");
    let more = landed.replacen("type Tally {", "type Tally {\n\tweight: Int!", 1);
    bench.write("landed.graphql", &more);
    let output = bench.node("", &["diff.mjs"]).await;
    assert!(!output.status.success() && said(&output).contains("Tally.weight"), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn relay_compiles_operations_that_page_refetch_change_and_listen() {
    let Some(bench) = Bench::set_up("relay-compiler").await else { return };
    fs::create_dir(bench.0.join("relay/artifacts")).expect("a folder");
    let compile = ["../node_modules/relay-compiler/cli.js", "relay.config.json"];
    let output = bench.node("relay", &compile).await;
    assert!(output.status.success(), "{}", said(&output));
    let artifacts = fs::read_dir(bench.0.join("relay/artifacts")).expect("artifacts").count();
    println!("relay-compiler: {artifacts} artifacts");
    assert!(artifacts >= 10, "{artifacts}");
    let operations = fs::read_to_string(bench.0.join("relay/operations/Batch.ts")).expect("operations");
    bench.write("relay/operations/Batch.ts", &operations.replacen("listed", "listened", 1));
    let output = bench.node("relay", &compile).await;
    assert!(!output.status.success() && said(&output).contains("listened"), "{}", said(&output));
}
