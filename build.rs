//! Makes the binary follow the built files of its pages, and lets it build without them.

use std::fs;

/// Ignored by git and filled by `npm run build` in the folder above each.
const BUNDLES: [&str; 2] = ["web/console/dist", "web/graphiql/dist"];

fn main() {
    for bundle in BUNDLES {
        // An empty folder embeds nothing, and the page then says how to build it.
        fs::create_dir_all(bundle).expect("a page's files are embedded from this folder");
        println!("cargo::rerun-if-changed={bundle}");
    }
}
