//! Serves connections until told to stop, then lets what runs come to its end.
//!
//! `axum::serve` never gives up on a client that is slow with its request; this does (`patience.rs`). HTTP/1.1 only: TLS and
//! HTTP/2 are the proxy's in front of us.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, StatusCode};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use nix::sys::socket::{setsockopt, sockopt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::{
    sync::{CancellationToken, WaitForCancellationFuture},
    task::{TaskTracker, task_tracker::TaskTrackerToken},
};
use tower::ServiceExt;

use super::patience::{Patience, PatientStream, Phase};

/// How long requests and sockets may take to end after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(25);
/// How long to wait after the system refused us a connection, usually because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Bytes that the system keeps for a client that does not read, before we notice. By itself it would keep four megabytes, and
/// what one client can do, thousands can. The way to the proxy is short enough for this to cost no speed.
const SEND_BUFFER_BYTES: usize = 128 * 1024;
/// Bytes of a request's head.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Tells a server and its sockets to stop, and knows when they have. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    token: CancellationToken,
    tasks: TaskTracker,
}

impl Shutdown {
    /// Stops accepting, ends idle connections, closes sockets with 1012. Idempotent.
    pub fn begin(&self) {
        self.token.cancel();
    }

    /// Ends when [`Shutdown::begin`] was called.
    pub(super) fn begun(&self) -> WaitForCancellationFuture<'_> {
        self.token.cancelled()
    }

    /// The server waits until this is dropped.
    pub(super) fn hold(&self) -> TaskTrackerToken {
        self.tasks.token()
    }
}

/// Serves `router` on `listener` until `shutdown` begins, then waits at most 25 s for what still runs.
pub async fn serve(listener: TcpListener, router: Router, shutdown: Shutdown) {
    serve_with(listener, router, shutdown, Patience::default()).await;
}

/// [`serve`], with other patience than the usual.
pub(super) async fn serve_with(listener: TcpListener, router: Router, shutdown: Shutdown, patience: Patience) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.begun() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                let connection = connection(stream, peer, router.clone(), shutdown.clone(), patience);
                shutdown.tasks.spawn(connection);
            }
            // The client's own doing.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    shutdown.tasks.close();
    if tokio::time::timeout(DRAIN, shutdown.tasks.wait()).await.is_err() {
        tracing::warn!(n_connections = shutdown.tasks.len(), "connections were cut at the end of the grace period");
    }
}

async fn connection(stream: TcpStream, peer: SocketAddr, router: Router, shutdown: Shutdown, patience: Patience) {
    // Small messages must not wait for each other's acknowledgement; where it cannot be set, they do.
    let _ = stream.set_nodelay(true);
    // Where this cannot be set, the buffer grows as the system likes.
    let _ = setsockopt(&stream, sockopt::SndBuf, &SEND_BUFFER_BYTES);
    let phase = Phase::default();
    let stream = PatientStream::new(stream, phase.clone(), patience);
    let service = service_fn(move |request: Request<Incoming>| {
        let (router, phase) = (router.clone(), phase.clone());
        phase.answer();
        async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            let answer = router.oneshot(request).await;
            match &answer {
                Ok(answer) if answer.status() == StatusCode::SWITCHING_PROTOCOLS => phase.upgrade(),
                _ => phase.wait(),
            }
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.idle)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.begun() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
