//! What `script/bench` measures, a subcommand each. A program of its own, which starts servers and reads clocks.
//!
//! Not criterion benchmarks: a run takes seconds or minutes and is a story, not a function.

mod bombs;
mod fetch;
mod google;
mod pages;
mod peers;
mod person;
mod quota;
mod search;
mod siege;
mod stage;
mod sync;
mod watchers;

use anyhow::bail;

/// As in the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    // `cargo bench` adds `--bench`.
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["sync"] => sync::measure(&sync::SIZES).await,
        ["sync", size, runs] => sync::measure(&[(size.parse()?, runs.parse()?)]).await,
        ["quota"] => quota::measure(quota::MESSAGES).await,
        ["quota", messages] => quota::measure(messages.parse()?).await,
        ["fetch"] => fetch::measure(fetch::ROUNDS).await,
        ["fetch", rounds] => fetch::measure(rounds.parse()?).await,
        ["search"] => search::measure(search::ROWS).await,
        ["search", rows] => search::measure(rows.parse()?).await,
        ["pages"] => pages::measure(pages::ROWS).await,
        ["pages", rows] => pages::measure(rows.parse()?).await,
        ["watchers"] => watchers::measure().await,
        ["siege"] => siege::measure().await,
        // The program starts itself in these roles.
        ["google", messages, redirect] => google::serve(messages.parse()?, redirect).await,
        ["serve"] => watchers::serve().await,
        ["sync-once", messages] => {
            println!("{}", serde_json::to_string(&sync::once(messages.parse()?).await?)?);
            Ok(())
        }
        ["fetch-once", how] => {
            println!("{}", serde_json::to_string(&fetch::once(how).await?)?);
            Ok(())
        }
        _ => bail!(
            "usage: script/bench sync [MESSAGES RUNS] | quota [MESSAGES] | fetch [ROUNDS] | search [ROWS] | pages [ROWS] | watchers | siege"
        ),
    }
}
