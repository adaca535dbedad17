//! Starting and stopping the sandbox.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    sync::Arc,
};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    http::header,
    middleware,
};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::{CompressionLevel, compression::CompressionLayer};
use url::Url;

use super::{
    batch, calendar,
    control::Control,
    error::Error,
    faults::{Line, Lines},
    gmail, oauth,
    oauth::OAuthClient,
    observe::observe,
    remote,
    state::Log,
    world::{SharedWorld, World},
};

/// The largest request body: Gmail takes mail of up to 50 MB.
const BODY_LIMIT_BYTES: usize = 64 << 20;

/// How to start a sandbox.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen; a loopback address. Defaults to `127.0.0.1` and any free port.
    pub listen: SocketAddr,
    /// The OAuth clients of the one Cloud project there is.
    pub clients: Vec<OAuthClient>,
    /// Where to keep what a restart must not lose; nothing is kept when absent.
    pub state_file: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self { listen: (Ipv4Addr::LOCALHOST, 0).into(), clients: Vec::new(), state_file: None }
    }
}

/// A running sandbox; dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    world: SharedWorld,
    shutdown: CancellationToken,
    server: Option<JoinHandle<()>>,
}

impl Sandbox {
    /// Starts listening. With a state file that holds a sandbox's past, that sandbox goes on: accounts, mail, calendars,
    /// ids, grants, tokens and the clock's offset are what they were.
    ///
    /// # Errors
    /// When the address is not loopback or taken, or the state file cannot be read.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start(options: Options) -> Result<Self, Error> {
        let address = options.listen;
        if !address.ip().is_loopback() {
            return Err(Error::NotLoopback(address));
        }
        let failed = |source| Error::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?;
        let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
        let mut root = Url::parse("http://localhost/").expect("the literal is a URL");
        // A bound socket address is always a host and a port.
        let _ = root.set_ip_host(bound.ip());
        let _ = root.set_port(Some(bound.port()));
        let (log, records) = options.state_file.as_deref().map(Log::open).transpose()?.unwrap_or_default();
        let world = Arc::new(World::new(root, options.clients, log, &records)?);
        let shutdown = CancellationToken::new();
        let service = router(world.clone()).into_make_service_with_connect_info::<Line>();
        let server = axum::serve(Lines(listener), service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
        let server = tokio::spawn(async move {
            // Serving ends only with the shutdown; accept errors are retried inside.
            let _ = server.await;
        });
        Ok(Self { world, shutdown, server: Some(server) })
    }

    /// The root address, with a trailing slash.
    pub fn url(&self) -> Url {
        self.world.root().clone()
    }

    /// The handle that steers this sandbox.
    pub fn control(&self) -> Control {
        Control::new(self.world.clone())
    }

    /// Stops accepting, lets open requests finish, and frees the port.
    pub async fn stop(mut self) {
        self.shutdown.cancel();
        if let Some(server) = self.server.take() {
            // The task neither panics nor is cancelled by anybody else.
            let _ = server.await;
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn router(world: SharedWorld) -> Router {
    let observed = middleware::from_fn_with_state(world.clone(), observe);
    // Apart, because the parts of a batch go to it as well, each past the budget, the faults and the journal.
    let api = Router::new()
        .merge(gmail::routes())
        .merge(calendar::routes())
        .layer(observed.clone())
        .with_state(world.clone());
    Router::new()
        .merge(oauth::routes())
        .merge(batch::routes(api.clone()))
        .merge(remote::routes())
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
        .layer(observed)
        .with_state(world)
        .merge(api)
        // On loopback the wire costs nothing and the processor is shared with whatever is being tested.
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(middleware::map_request(compress_for_those_who_say_so))
}

/// Google compresses for clients that accept it and whose name holds `gzip`.
async fn compress_for_those_who_say_so(mut request: Request) -> Request {
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    if !agent.is_some_and(|agent| agent.contains("gzip")) {
        request.headers_mut().remove(header::ACCEPT_ENCODING);
    }
    request
}
