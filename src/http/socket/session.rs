//! One socket from its first message to its close.
//!
//! A single task reads, runs the operations and writes. While a write waits for the client nothing else is polled, so a client
//! that does not read makes its operations stand still instead of filling memory; a subscription that yields states finds the
//! newest one when it is polled again.
//!
//! A socket waits for most of its life, so whatever it wakes for is on the heap while it is seen to: the task would keep room for it.

use std::{
    future::poll_fn,
    mem,
    pin::pin,
    sync::Arc,
    task::{Poll, ready},
    time::Duration,
};

use async_graphql::Executor;
use axum::extract::ws::{Message, WebSocket};
use futures::StreamExt;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use uuid::Uuid;

use super::super::{answer::is_request_error, auth, body, operation::Operation, router::Api};
use super::{
    message::{ClientMessage, Close, ServerMessage},
    operations::{Event, Operations},
};
use crate::graphql::{
    code::Code,
    viewer::{RequestInfo, Viewer},
};

/// Bytes of a message.
const MAX_MESSAGE_BYTES: usize = 65_536;
/// Bytes of an operation's id.
const MAX_ID_BYTES: usize = 255;
/// Messages and pings a client may send in a second.
const MAX_MESSAGES_PER_SECOND: u32 = 50;
/// Ping intervals without any frame after which a peer counts as dead.
const MAX_SILENT_PINGS: u32 = 3;
/// How long a client may take to answer our close frame.
const CLOSE_GRACE: Duration = Duration::from_secs(5);
/// How long a client may take to read our close frame when we can read no more of what it sends.
const LINGER: Duration = Duration::from_secs(1);

/// How a session ends.
enum End {
    /// By us.
    Close(Close),
    /// By us, because the client's frames cannot be read any further.
    Unreadable(Close),
    /// By the client, whose close frame wants an answer.
    Closed,
    /// The connection is lost.
    Lost,
}

impl From<Close> for End {
    fn from(close: Close) -> Self {
        Self::Close(close)
    }
}

type Step = Result<(), End>;

/// Whether the client has said who it is.
enum Phase {
    /// No; it may until then.
    Init(Instant),
    Ready(Viewer),
}

pub(super) struct Session<'a, E> {
    api: Arc<Api<E>>,
    /// Borrowed: a future that owns what it was given keeps room for it twice.
    socket: &'a mut WebSocket,
    /// Whom the handshake's own token names.
    handshake: Option<Viewer>,
    info: RequestInfo,
    phase: Phase,
    operations: Operations,
    /// When to ping next.
    ping: Instant,
    /// Pings since the last frame.
    silent: u32,
    /// When to look at the clock next: for a ping, or because the client has been silent or its token valid for too long.
    alarm: Instant,
    /// The second that is being counted, and what came in it.
    second: (Instant, u32),
}

/// What a session wakes for.
enum Wake {
    Shutdown,
    Alarm,
    Frame(Option<Result<Message, axum::Error>>),
    Event(Box<str>, Event),
}

impl<'a, E: Executor> Session<'a, E> {
    pub(super) fn new(
        api: Arc<Api<E>>,
        socket: &'a mut WebSocket,
        handshake: Option<Viewer>,
        info: RequestInfo,
    ) -> Self {
        let now = Instant::now();
        let (init, ping) = (now + api.graphql.ws_init, now + api.graphql.ws_ping);
        Self {
            api,
            socket,
            handshake,
            info,
            phase: Phase::Init(init),
            operations: Operations::default(),
            ping,
            silent: 0,
            alarm: init.min(ping),
            second: (now, 0),
        }
    }

    /// Runs the session; `is_spoken` says whether the client offered our subprotocol.
    pub(super) async fn run(&mut self, is_spoken: bool) {
        let end = if is_spoken { self.converse().await } else { Close::SUBPROTOCOL.into() };
        // The operations end here, whatever the client does with our close frame.
        self.operations = Operations::default();
        Box::pin(self.part(end)).await;
    }

    async fn part(&mut self, end: End) {
        let (close, readable) = match end {
            End::Close(close) => (Some(close), true),
            End::Unreadable(close) => (Some(close), false),
            End::Closed => (None, true),
            End::Lost => return,
        };
        if let Some(close) = close {
            tracing::debug!(request.id = self.info.id, ?close, "a socket is closed");
            let frame = Message::Close(Some(close.into()));
            if !matches!(timeout(CLOSE_GRACE, self.socket.send(frame)).await, Ok(Ok(()))) {
                return;
            }
        }
        // Closing a connection with unread bytes resets it, and the close frame is lost on its way.
        if readable {
            let _ = timeout(CLOSE_GRACE, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await;
        } else {
            sleep(LINGER).await;
        }
    }

    async fn converse(&mut self) -> End {
        let api = self.api.clone();
        // Both for as long as the socket lives: to begin and to end one takes a lock that all sockets share.
        let mut begun = pin!(api.shutdown.begun());
        let mut alarm = pin!(sleep_until(self.alarm));
        loop {
            let mut is_woken = false;
            let wake = poll_fn(|cx| {
                // It is mostly operations that wake a socket, so they are asked first then. After an event the others are: operations
                // that never stop must not keep them waiting.
                let are_first = mem::replace(&mut is_woken, true);
                if are_first && let Poll::Ready((id, event)) = self.operations.poll_next(cx) {
                    return Poll::Ready(Wake::Event(id, event));
                }
                if begun.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Wake::Shutdown);
                }
                if alarm.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Wake::Alarm);
                }
                if let Poll::Ready(frame) = self.socket.poll_next_unpin(cx) {
                    return Poll::Ready(Wake::Frame(frame));
                }
                if are_first {
                    return Poll::Pending;
                }
                let (id, event) = ready!(self.operations.poll_next(cx));
                Poll::Ready(Wake::Event(id, event))
            });
            let wake = wake.await;
            if let Err(end) = Box::pin(self.on_wake(wake)).await {
                return end;
            }
            if alarm.deadline() != self.alarm {
                alarm.as_mut().reset(self.alarm);
            }
        }
    }

    async fn on_wake(&mut self, wake: Wake) -> Step {
        match wake {
            Wake::Shutdown => Err(Close::RESTART.into()),
            Wake::Alarm => self.on_alarm().await,
            Wake::Frame(frame) => self.on_frame(frame).await,
            Wake::Event(id, event) => self.on_event(&id, event).await,
        }
    }

    async fn on_alarm(&mut self) -> Step {
        self.set_alarm()?;
        let now = Instant::now();
        if now < self.ping {
            return Ok(());
        }
        self.silent += 1;
        if self.silent >= MAX_SILENT_PINGS {
            return Err(Close::SILENT.into());
        }
        self.send_frame(Message::Ping(Default::default())).await?;
        self.ping = now + self.api.graphql.ws_ping;
        Ok(self.set_alarm()?)
    }

    /// Sets the alarm to what comes next.
    ///
    /// # Errors
    /// When the client has been silent, or its token valid, for too long.
    fn set_alarm(&mut self) -> Result<(), Close> {
        let check = match &self.phase {
            Phase::Init(deadline) if *deadline <= Instant::now() => return Err(Close::NO_INIT),
            Phase::Init(deadline) => *deadline,
            Phase::Ready(viewer) => auth::next_check(viewer, &self.api.clock).ok_or(Close::EXPIRED)?,
        };
        self.alarm = check.min(self.ping);
        Ok(())
    }

    async fn on_frame(&mut self, frame: Option<Result<Message, axum::Error>>) -> Step {
        let message = match frame {
            None => return Err(End::Lost),
            Some(Err(error)) => return Err(unreadable(error)),
            Some(Ok(message)) => message,
        };
        self.silent = 0;
        self.count()?;
        match message {
            Message::Text(text) if text.len() <= MAX_MESSAGE_BYTES => {
                self.on_message(ClientMessage::parse(text.as_str())?).await
            }
            Message::Binary(bytes) if bytes.len() <= MAX_MESSAGE_BYTES => Err(Close::INVALID.into()),
            Message::Text(_) | Message::Binary(_) => Err(Close::TOO_LARGE.into()),
            Message::Ping(_) | Message::Pong(_) => Ok(()),
            Message::Close(_) => Err(End::Closed),
        }
    }

    /// Counts a frame of the current second.
    fn count(&mut self) -> Step {
        let now = Instant::now();
        if now - self.second.0 >= Duration::from_secs(1) {
            self.second = (now, 0);
        }
        self.second.1 += 1;
        if self.second.1 > MAX_MESSAGES_PER_SECOND { Err(Close::TOO_FAST.into()) } else { Ok(()) }
    }

    async fn on_message(&mut self, message: ClientMessage) -> Step {
        match message {
            ClientMessage::ConnectionInit { payload } => {
                if matches!(self.phase, Phase::Ready(_)) {
                    return Err(Close::SECOND_INIT.into());
                }
                let viewer = Box::pin(self.authenticate(payload.unwrap_or_default())).await?;
                self.phase = Phase::Ready(viewer);
                self.set_alarm()?;
                self.send(&ServerMessage::ConnectionAck).await
            }
            ClientMessage::Ping { payload } => self.send(&ServerMessage::Pong { payload }).await,
            ClientMessage::Pong {} => Ok(()),
            ClientMessage::Subscribe { id, payload } => self.subscribe(&id, payload).await,
            ClientMessage::Complete { id } => {
                self.operations.remove(&id);
                Ok(())
            }
        }
    }

    /// The viewer by the token in the parameters, or else by that of the handshake.
    async fn authenticate(&mut self, parameters: Map<String, Value>) -> Result<Viewer, Close> {
        let parameter = |name: &str| parameters.get(name).and_then(Value::as_str);
        let header = parameter("Authorization").or_else(|| parameter("authorization"));
        let token = match (header, parameter("token")) {
            (Some(header), _) => auth::bearer(header).ok_or(Close::FORBIDDEN)?,
            (None, Some(token)) => auth::bearer(token).unwrap_or(token),
            (None, None) => return self.handshake.take().ok_or(Close::FORBIDDEN),
        };
        self.api.authenticator.verify(token).await.map_err(|error| match error {
            auth::Error::Unavailable => Close::TRY_LATER,
            auth::Error::Missing | auth::Error::Refused(_) => Close::FORBIDDEN,
        })
    }

    async fn subscribe(&mut self, id: &str, payload: Value) -> Step {
        let Phase::Ready(viewer) = &self.phase else { return Err(Close::NO_ACK.into()) };
        if id.is_empty() || id.len() > MAX_ID_BYTES {
            return Err(Close::INVALID.into());
        }
        let request = body::parse_value(payload).map_err(|_| Close::INVALID)?;
        if self.operations.contains(id) {
            return Err(Close::SAME_ID.into());
        }
        let info = RequestInfo { id: Uuid::new_v4().to_string(), ..self.info.clone() };
        let most = self.api.graphql.ws_max_operations;
        if self.operations.len() >= most {
            let message = format!("A socket runs at most {most} operations at once.");
            let mut error = Code::TooManyOperations.over(most, message);
            error.extensions.get_or_insert_default().set("requestId", info.id);
            return self.send(&ServerMessage::Error { id, payload: &[error] }).await;
        }
        match Box::pin(Operation::prepare(&self.api, request, viewer.clone(), info)).await {
            Ok(operation) => {
                self.operations.insert(id, operation.run(&self.api.executor, self.api.http.timeout));
                Ok(())
            }
            Err(error) => self.send(&ServerMessage::Error { id, payload: &[error] }).await,
        }
    }

    async fn on_event(&mut self, id: &str, event: Event) -> Step {
        match event {
            Some(response) if is_request_error(&response) => {
                self.operations.remove(id);
                self.send(&ServerMessage::Error { id, payload: &response.errors }).await
            }
            Some(response) => self.send(&ServerMessage::Next { id, payload: &response }).await,
            None => self.send(&ServerMessage::Complete { id }).await,
        }
    }

    async fn send(&mut self, message: &ServerMessage<'_>) -> Step {
        match serde_json::to_string(message) {
            Ok(text) => self.send_frame(Message::text(text)).await,
            Err(error) => {
                tracing::error!(%error, "a message could not be written as JSON");
                Err(End::Lost)
            }
        }
    }

    /// Waits until the client took the frame, for as long as it may leave pings unanswered.
    async fn send_frame(&mut self, frame: Message) -> Step {
        let patience = self.api.graphql.ws_ping * MAX_SILENT_PINGS;
        match timeout(patience, self.socket.send(frame)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Lost),
            Err(_) => Err(Close::TOO_SLOW.into()),
        }
    }
}

fn unreadable(error: axum::Error) -> End {
    match error.into_inner().downcast_ref::<tungstenite::Error>() {
        Some(tungstenite::Error::Capacity(_)) => End::Unreadable(Close::TOO_LARGE),
        Some(tungstenite::Error::Utf8(_)) => End::Unreadable(Close::NOT_TEXT),
        Some(tungstenite::Error::Protocol(_)) => End::Unreadable(Close::BROKEN_FRAME),
        _ => End::Lost,
    }
}
