//! Answers that arrive damaged, slowly, or with more in them than was promised.

use std::{io, time::Duration};

use axum::{
    Json,
    body::{Body, Bytes, to_bytes},
    http::{HeaderValue, header, response::Parts},
    response::{IntoResponse, Response},
};
use futures::stream;
use serde_json::{Value, json};

/// The head without its length, and the whole body.
async fn whole(response: Response) -> (Parts, Bytes) {
    let (mut parts, body) = response.into_parts();
    parts.headers.remove(header::CONTENT_LENGTH);
    (parts, to_bytes(body, usize::MAX).await.unwrap_or_default())
}

/// Keeps the compression layer, which would gather what is to leave in pieces, away from an answer.
fn as_is(mut parts: Parts, body: Body) -> Response {
    parts.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("identity"));
    Response::from_parts(parts, body)
}

/// The first half; then the connection breaks.
pub(super) async fn cut(response: Response) -> Response {
    let (parts, bytes) = whole(response).await;
    let half = bytes.slice(..bytes.len() / 2);
    let pieces = stream::unfold(0, move |step| {
        let half = half.clone();
        async move {
            match step {
                0 => Some((Ok(half), 1)),
                1 => {
                    // Lets the server send the half before it hears of the end.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), 2))
                }
                _ => None,
            }
        }
    });
    as_is(parts, Body::from_stream(pieces))
}

/// The first half, as if it were the whole.
pub(super) async fn spoil(response: Response) -> Response {
    let (parts, bytes) = whole(response).await;
    let half = bytes.slice(..bytes.len() / 2);
    Response::from_parts(parts, Body::from(half))
}

/// So many bytes at a time.
pub(super) async fn drip(response: Response, n_bytes: usize, every_ms: u64) -> Response {
    let (parts, bytes) = whole(response).await;
    let pieces = stream::unfold(bytes, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(every_ms)).await;
        let piece = rest.split_to(n_bytes.clamp(1, rest.len()));
        Some((Ok::<_, io::Error>(piece), rest))
    });
    as_is(parts, Body::from_stream(pieces))
}

/// A field in every object that no document knows.
pub(super) async fn extend(response: Response) -> Response {
    let (parts, bytes) = whole(response).await;
    let body = match serde_json::from_slice::<Value>(&bytes) {
        Ok(mut answer) => {
            add_unknown(&mut answer);
            Json(answer).into_response().into_body()
        }
        Err(_) => Body::from(bytes),
    };
    Response::from_parts(parts, body)
}

fn add_unknown(value: &mut Value) {
    match value {
        Value::Array(entries) => entries.iter_mut().for_each(add_unknown),
        Value::Object(object) => {
            object.values_mut().for_each(add_unknown);
            object.insert("sandboxUnknown".into(), json!({"isNew": true, "values": [1, null, "x"]}));
        }
        _ => {}
    }
}
