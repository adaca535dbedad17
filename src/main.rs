//! `omnisync`: one binary, one subcommand for each role. It parses arguments and says how things ended.

use std::{process::ExitCode, sync::Arc};

use clap::{Parser, Subcommand};
use omnisync::{
    app::{self, App},
    clock::Clock,
    config::Config,
    db, dev, doctor,
    domain::ids::UserId,
    graphql, http, seal,
    sync::{
        self,
        reproject::{Progress, Request},
    },
    telemetry, worker,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A person's Gmail and Google Calendar as one timeline, with consent, live progress and a real undo.
#[derive(Parser)]
#[command(version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run everything on this machine, with a sandbox Google and a demo mailbox.
    Dev(dev::Options),
    /// Serve the API.
    Serve,
    /// Work the queues.
    Work,
    /// Bring the database's tables up to date.
    Migrate,
    /// Rebuild interactions from their raw events, and say what has changed. Workers do so by themselves where an older release
    /// has made them.
    Reproject(Reproject),
    /// Print the GraphQL schema.
    Schema,
    /// Check every setting and every dependency, and say what is wrong.
    Doctor,
    /// Print a fresh wrapping key for `OMNISYNC_KEYS`.
    Keys,
}

#[derive(clap::Args)]
struct Reproject {
    /// Only this person's.
    #[arg(long, value_name = "ID")]
    user: Option<uuid::Uuid>,
    /// Also those that this release has made.
    #[arg(long)]
    all: bool,
    /// Say what would change, and leave it.
    #[arg(long)]
    dry_run: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    // One crypto provider for TLS and JWTs alike; a second installation would be refused, and is not needed.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    match run(Arguments::parse().command).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("omnisync: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Dev(options) => dev::run(options).await?,
        Command::Schema => print!("{}", graphql::sdl()),
        Command::Keys => println!("{}", seal::fresh_key()),
        Command::Doctor => return Ok(examine().await),
        Command::Migrate => migrate().await?,
        Command::Reproject(options) => reproject(options).await?,
        Command::Serve => serve().await?,
        Command::Work => work().await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The configuration, with logging started by it.
fn configure() -> anyhow::Result<Arc<Config>> {
    let config = Config::from_env().map_err(|problems| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
        anyhow::anyhow!("the configuration cannot be used:\n{}", lines.join("\n"))
    })?;
    telemetry::init(&config.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
    Ok(Arc::new(config))
}

async fn serve() -> anyhow::Result<()> {
    let config = configure()?;
    let listener = TcpListener::bind(config.http.listen).await?;
    http::metrics::start(&config).await?;
    tracing::info!(address = %config.http.listen, "serving");
    let shutdown = http::shutdown::Shutdown::default();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        dev::signal().await;
        on_signal.begin();
        dev::signal().await;
        std::process::exit(1);
    });
    http::server::run(config, Clock::default(), listener, shutdown).await
}

async fn work() -> anyhow::Result<()> {
    let config = configure()?;
    http::metrics::start(&config).await?;
    let shutdown = CancellationToken::new();
    let on_signal = shutdown.clone();
    tokio::spawn(async move {
        dev::signal().await;
        on_signal.cancel();
        dev::signal().await;
        std::process::exit(1);
    });
    tracing::info!("working");
    worker::run(config, Clock::default(), shutdown).await
}

async fn migrate() -> anyhow::Result<()> {
    let database = Config::database_from_env();
    let report = db::migrate(&database).await?;
    println!("applied {} migrations", report.applied.len());
    report.applied.iter().for_each(|name| println!("  {name}"));
    report.logins.iter().for_each(|role| println!("{role} may log in"));
    Ok(())
}

/// Progress goes to standard error, what has changed to standard output.
async fn reproject(options: Reproject) -> anyhow::Result<()> {
    let config = configure()?;
    let scheduler = app::scheduler_db(&config)?;
    let app = App::for_worker(config, Clock::default())?;
    let request = Request { user: options.user.map(UserId), all: options.all, dry_run: options.dry_run };
    let report = |Progress { streams, items }| eprintln!("{streams} streams done, {items} items looked at");
    println!("{}", sync::reproject::run(&app, &scheduler, request, report).await?);
    Ok(())
}

async fn examine() -> ExitCode {
    let config = Config::from_env();
    let findings = doctor::examine(config.as_ref().map_err(Vec::as_slice)).await;
    let mut code = ExitCode::SUCCESS;
    for finding in findings {
        match finding.result {
            Ok(words) => println!("ok    {}: {words}", finding.what),
            Err(words) => {
                println!("WRONG {}: {words}", finding.what);
                code = ExitCode::FAILURE;
            }
        }
    }
    code
}
