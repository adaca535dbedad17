//! A connection that gives up on a slow client.
//!
//! hyper has one timeout for "the next request's head", which cannot tell a client that is silent between requests, and may
//! be for long, from one that sends a head byte by byte, and may not.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::{Sleep, sleep},
};

/// How long a client may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the first byte of a request's head to its last; for the first request, from the connection's start.
    pub(super) head: Duration,
    /// Between an answer and the next request.
    pub(super) idle: Duration,
    /// Without taking a byte of what we send.
    pub(super) write: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), idle: Duration::from_secs(75), write: Duration::from_secs(60) }
    }
}

/// What a connection is about; shared by the stream, which sees bytes, and the service, which sees requests.
#[derive(Clone, Debug)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Default for Phase {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }
}

/// A request's head is being read.
const HEAD: u8 = 0;
/// A request is being answered; its body has a time limit of its own.
const ANSWER: u8 = 1;
/// Between two requests.
const WAIT: u8 = 2;
/// No longer HTTP.
const UPGRADED: u8 = 3;

impl Phase {
    pub(super) fn answer(&self) {
        self.0.store(ANSWER, Ordering::Relaxed);
    }

    pub(super) fn wait(&self) {
        self.0.store(WAIT, Ordering::Relaxed);
    }

    pub(super) fn upgrade(&self) {
        self.0.store(UPGRADED, Ordering::Relaxed);
    }

    fn is(&self, phase: u8) -> bool {
        self.0.load(Ordering::Relaxed) == phase
    }
}

pub(super) struct PatientStream {
    stream: TcpStream,
    phase: Phase,
    patience: Patience,
    /// Runs while a head is read.
    head: Option<Pin<Box<Sleep>>>,
    /// Runs while a write waits.
    write: Option<Pin<Box<Sleep>>>,
}

impl PatientStream {
    pub(super) fn new(stream: TcpStream, phase: Phase, patience: Patience) -> Self {
        Self { stream, phase, patience, head: None, write: None }
    }

    /// `result`, or an error when it has been pending for too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if result.is_ready() {
            self.write = None;
            return result;
        }
        let limit = self.patience.write;
        let timer = self.write.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let filled = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if buf.filled().len() > filled && self.phase.is(WAIT) {
            self.phase.0.store(HEAD, Ordering::Relaxed);
            self.head = None;
        }
        if !self.phase.is(HEAD) {
            self.head = None;
            return result;
        }
        let limit = self.patience.head;
        let timer = self.head.get_or_insert_with(|| Box::pin(sleep(limit)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) if result.is_pending() => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            _ => result,
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.written(cx, result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.written(cx, result)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
