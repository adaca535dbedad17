//! The multipart batch endpoint: many requests in one, each with a price, a token and an answer of its own.

mod wire;

use axum::{
    Extension, Router,
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use futures::future::join_all;
use tower::ServiceExt;

use self::wire::Part;
use super::{
    envelope::{ApiError, ApiResult},
    faults::Line,
    rng::Rng,
    world::{SharedWorld, World, random_token},
};

/// Parts that a batch may have: Gmail's limit, and Calendar's.
const GMAIL_PARTS: usize = 100;
const CALENDAR_PARTS: usize = 1_000;

/// The API that parts are sent to.
#[derive(Clone)]
struct Api(Router);

/// Its routes; `api` answers the parts.
pub(super) fn routes(api: Router) -> Router<SharedWorld> {
    Router::new()
        .route("/batch", post(gmail))
        .route("/batch/gmail/v1", post(gmail))
        .route("/batch/calendar/v3", post(calendar))
        .layer(Extension(Api(api)))
}

async fn gmail(state: State<SharedWorld>, api: Extension<Api>, request: Request) -> ApiResult<Response> {
    run(state, api, request, "/gmail/v1/", GMAIL_PARTS).await
}

async fn calendar(state: State<SharedWorld>, api: Extension<Api>, request: Request) -> ApiResult<Response> {
    run(state, api, request, "/calendar/v3/", CALENDAR_PARTS).await
}

async fn run(
    State(world): State<SharedWorld>,
    Extension(Api(api)): Extension<Api>,
    request: Request,
    prefix: &str,
    max_parts: usize,
) -> ApiResult<Response> {
    let (head, body) = request.into_parts();
    if head.headers.contains_key(header::AUTHORIZATION) {
        world.authenticate(&head.headers)?;
    }
    let content_type = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary =
        content_type.and_then(wire::boundary).ok_or_else(|| bad("Failed to parse batch request: no boundary."))?;
    let bytes = to_bytes(body, usize::MAX).await.map_err(|_| bad("Failed to read batch request."))?;
    let parts = wire::parts(&bytes, &boundary);
    if parts.is_empty() {
        return Err(bad("Failed to parse batch request: it holds no parts."));
    }
    if parts.len() > max_parts {
        return Err(bad(format!("The batch holds {} parts; {max_parts} are allowed.", parts.len())));
    }
    // All at once, as Google does: a person's limit of concurrent requests counts the parts of one batch.
    let answers = parts.into_iter().map(|part| answer(&api, part, &head.headers, head.extensions.get(), prefix));
    let mut answers = join_all(answers).await;
    shuffle(&world, &mut answers);
    let boundary = random_token("batch_", 12);
    let content_type = format!("multipart/mixed; boundary={boundary}");
    Ok(([(header::CONTENT_TYPE, content_type)], wire::join(&answers, &boundary)).into_response())
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(StatusCode::BAD_REQUEST, "badRequest", message)
}

/// A part's answer with the id it goes by.
struct Answer {
    id: Option<String>,
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

async fn answer(api: &Router, part: Part, outer: &HeaderMap, line: Option<&ConnectInfo<Line>>, prefix: &str) -> Answer {
    let id = part.id.clone();
    let response = match inner(part, outer, line, prefix) {
        // The router's error type has no values.
        Ok(request) => api.clone().oneshot(request).await.unwrap_or_else(|never| match never {}),
        Err(error) => error.into_response(),
    };
    let (head, body) = response.into_parts();
    // A body that breaks off is all there is of it.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    Answer { id, status: head.status, headers: head.headers, body }
}

/// The part as a request of its own. What the batch's own head says holds for each part that does not say otherwise.
fn inner(part: Part, outer: &HeaderMap, line: Option<&ConnectInfo<Line>>, prefix: &str) -> ApiResult<Request> {
    if !part.target.starts_with(prefix) {
        return Err(bad(format!("A part of this batch begins with {prefix}, not {}", part.target)));
    }
    let mut request = Request::builder().method(part.method.as_str()).uri(&part.target);
    let mut headers = HeaderMap::new();
    for (name, value) in outer.iter().filter(|(name, _)| is_inherited(name)) {
        headers.append(name, value.clone());
    }
    for name in part.headers.keys() {
        headers.remove(name);
    }
    headers.extend(part.headers);
    if let Some(own) = request.headers_mut() {
        *own = headers;
    }
    let mut request = request.body(Body::from(part.body)).map_err(|_| bad("Failed to parse a part."))?;
    // The connection, which a planned fault may reset.
    if let Some(line) = line {
        request.extensions_mut().insert(line.clone());
    }
    Ok(request)
}

/// Not what describes the batch's own body, nor the connection it came on.
fn is_inherited(name: &HeaderName) -> bool {
    let own = [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::ACCEPT_ENCODING];
    !name.as_str().starts_with("content-") && !own.contains(name)
}

/// Google promises no order; with the switch on, there is none.
fn shuffle(world: &World, answers: &mut [Answer]) {
    let Some(seed) = world.behaviour.read().shuffle_batches else { return };
    let mut rng = Rng::from_parts(&[b"batch", &seed.to_be_bytes()]);
    for last in (1..answers.len()).rev() {
        answers.swap(last, rng.below(last + 1));
    }
}
