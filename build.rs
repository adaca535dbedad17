//! Makes the binary follow GraphiQL's built files, and lets it build without them.

use std::fs;

/// Ignored by git and filled by `npm run build` in `web/graphiql`.
const BUNDLE: &str = "web/graphiql/dist";

fn main() {
    // An empty folder embeds nothing, and the page then says how to build it.
    fs::create_dir_all(BUNDLE).expect("GraphiQL's files are embedded from this folder");
    println!("cargo::rerun-if-changed={BUNDLE}");
}
