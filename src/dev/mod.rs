//! Everything on one machine: private PostgreSQL and Redis, the sandbox Google, the API, a worker and demo data.

mod banner;
pub mod services;
mod settings;

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use anyhow::Context;
use chrono::Utc;
use clap::Args;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal as unix_signal},
};
use tokio_util::sync::CancellationToken;

use self::{services::Services, settings::Settings};
use crate::{
    clock::Clock,
    db,
    http::{server, shutdown::Shutdown},
    sandbox::{Generate, OAuthClient, Options as SandboxOptions, Sandbox},
    sync, telemetry, worker,
};

/// What `omnisync dev` can be told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Messages in the demo mailbox.
    #[arg(long, default_value_t = 2_000)]
    pub messages: usize,
    /// Events in the demo calendars.
    #[arg(long, default_value_t = 300)]
    pub events: usize,
    /// The same seed gives the same demo data.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Folders or files (.eml, .mbox, .ics) to load into the demo mailbox instead of generating one.
    #[arg(long)]
    pub load: Vec<PathBuf>,
    /// The port of the API.
    #[arg(long, default_value_t = 4000)]
    pub port: u16,
    /// The port of the sandbox Google.
    #[arg(long, default_value_t = 4010)]
    pub google_port: u16,
    /// Where data, logs and secrets are kept between runs.
    #[arg(long, default_value = ".dev")]
    pub folder: PathBuf,
}

/// The demo account at the sandbox Google.
const DEMO: (&str, &str) = ("ada@brightwater.example", "Ada Brook");

/// Runs everything until it is interrupted.
///
/// # Errors
/// When a server cannot be started, or ends by itself.
pub async fn run(options: Options) -> anyhow::Result<()> {
    std::fs::create_dir_all(&options.folder).with_context(|| format!("making {}", options.folder.display()))?;
    let mut settings = Settings::open(&options.folder)?;
    let mut services = None;
    if settings.wants_services() {
        eprintln!("starting PostgreSQL and Redis ...");
        services = Some(Services::start(&options.folder).await?);
    }
    if let Some(services) = &services {
        settings.use_services(&services.database_url, &services.redis_url);
    }

    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], options.port)))
        .await
        .with_context(|| format!("port {} is taken; choose another with --port", options.port))?;
    let public_url = format!("http://{}/", listener.local_addr()?);
    let sandbox = start_sandbox(&options, &settings, &public_url)?;
    let config = Arc::new(settings.config(listener.local_addr()?, &public_url, &sandbox.url())?);
    telemetry::init(&config.log).map_err(|error| anyhow::anyhow!("RUST_LOG: {error}"))?;
    db::migrate(&config.database).await?;

    let clock = Clock::default();
    let (serving, working) = (Shutdown::default(), CancellationToken::new());
    let mut api = tokio::spawn(server::run(config.clone(), clock.clone(), listener, serving.clone()));
    let mut work = tokio::spawn(worker::run(config.clone(), clock.clone(), working.clone()));
    banner::print(&config, &settings, &public_url, &sandbox, &clock)?;

    let ended = tokio::select! {
        () = signal() => Ok(()),
        ended = &mut api => ended.map_err(Into::into).and_then(|result| result).and_then(|()| Err(anyhow::anyhow!("the API ended"))),
        ended = &mut work => ended.map_err(Into::into).and_then(|result| result).and_then(|()| Err(anyhow::anyhow!("the worker ended"))),
        error = server_failed(services.as_mut()) => Err(error.into()),
    };
    eprintln!("\nstopping ... (again to stop at once)");
    tokio::spawn(async {
        signal().await;
        std::process::exit(1);
    });
    serving.begin();
    working.cancel();
    // Each ends by itself now, unless it is what ended.
    let (api, work) = (
        async {
            if !api.is_finished() {
                api.await.ok();
            }
        },
        async {
            if !work.is_finished() {
                work.await.ok();
            }
        },
    );
    tokio::join!(api, work);
    sandbox.stop().await;
    if let Some(services) = services {
        services.stop().await;
    }
    ended
}

/// Completes when a private server ends by itself; never when there is none.
async fn server_failed(services: Option<&mut Services>) -> services::Error {
    match services {
        Some(services) => services.failed().await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo mailbox is made up to the day it is first asked for")]
fn start_sandbox(options: &Options, settings: &Settings, public_url: &str) -> anyhow::Result<Sandbox> {
    let (id, secret) = settings.google_client();
    let redirect = format!("{}{}", public_url.trim_end_matches('/'), sync::connect::CALLBACK_PATH);
    let sandbox = Sandbox::start(SandboxOptions {
        listen: SocketAddr::from(([127, 0, 0, 1], options.google_port)),
        clients: vec![OAuthClient { id: id.to_owned(), secret: secret.to_owned(), redirect_uris: vec![redirect] }],
        state_file: Some(options.folder.join("sandbox.json")),
    })
    .with_context(|| {
        format!("starting the sandbox Google on port {}; choose another with --google-port", options.google_port)
    })?;
    let control = sandbox.control();
    // A second start finds the account as it was left.
    if control.accounts().is_empty() {
        let (email, name) = DEMO;
        control.add_account(email, name)?;
        for path in &options.load {
            let loaded = control.load(email, path)?;
            eprintln!("loaded {} messages and {} events from {}", loaded.messages, loaded.events, path.display());
            loaded.skipped.iter().for_each(|(file, reason)| eprintln!("  skipped {}: {reason}", file.display()));
        }
        if options.load.is_empty() {
            let generate = Generate {
                seed: options.seed,
                messages: options.messages,
                events: options.events,
                ..Generate::usual(Utc::now())
            };
            control.generate(email, &generate)?;
        }
    }
    Ok(sandbox)
}

/// Completes at the next interrupt or request to terminate.
pub async fn signal() {
    let streams = (unix_signal(SignalKind::interrupt()), unix_signal(SignalKind::terminate()));
    let (Ok(mut interrupt), Ok(mut terminate)) = streams else { return std::future::pending().await };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}
