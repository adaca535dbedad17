use std::{convert::Infallible, io::Write};

use axum::body::Body;
use flate2::{Compression, write::GzEncoder};
use futures::stream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::domain::account::Service;
use crate::providers::Provider;

async fn baseline(google: &Google) -> Result<(), Error> {
    google.baseline(&"access-secret".into(), Service::Gmail).await.map(drop)
}

fn hasty(server: &Server, timeout_ms: u64, body_timeout_ms: u64) -> Google {
    let (timeout, body_timeout) = (Duration::from_millis(timeout_ms), Duration::from_millis(body_timeout_ms));
    let config = config::Google { timeout, body_timeout, ..config(&server.url) };
    Google::new(&config, Clock::default()).unwrap()
}

fn gzip(parts: impl Iterator<Item = Vec<u8>>) -> Response {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    parts.for_each(|part| encoder.write_all(&part).unwrap());
    ([("content-encoding", "gzip")], encoder.finish().unwrap()).into_response()
}

#[tokio::test]
async fn replies_are_asked_for_and_read_compressed() {
    let server = Server::start(async |asked: Asked| {
        assert_eq!(asked.headers["accept-encoding"], "gzip");
        assert!(asked.headers["user-agent"].to_str().unwrap().contains("gzip"));
        gzip(std::iter::once(br#"{"historyId":"7"}"#.to_vec()))
    })
    .await;
    assert_eq!(class(baseline(&server.google()).await), None);
}

#[tokio::test]
async fn a_reply_without_measure_is_refused() {
    // A few hundred kilobytes on the wire, 81 MiB in memory if we let it.
    let server = Server::start(async |_| gzip((0..81).map(|_| vec![b' '; 1 << 20]))).await;
    let error = baseline(&server.google()).await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (Class::Permanent, "gmail.users.getProfile: reply too large"));
}

#[tokio::test]
async fn a_cut_or_garbled_body_may_pass() {
    let cut = Server::start(async |_| {
        let parts = [Ok(r#"{"historyId":"#), Err(std::io::Error::other("cut"))];
        Body::from_stream(stream::iter(parts)).into_response()
    })
    .await;
    assert_eq!(class(baseline(&cut.google()).await), Some(Class::Transient));
    let garbled = Server::start(async |_| r#"{"historyId":"7""#.into_response()).await;
    assert_eq!(class(baseline(&garbled.google()).await), Some(Class::Transient));
}

#[tokio::test]
async fn neither_head_nor_body_is_awaited_for_ever() {
    let silent = Server::start(async |_| std::future::pending().await).await;
    let error = baseline(&hasty(&silent, 100, 60_000)).await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (Class::Transient, "gmail.users.getProfile: timed out"));
    assert!(silent.asked().len() < 2, "a timeout is not tried again");

    let stalled =
        Server::start(async |_| Body::from_stream(stream::pending::<Result<String, Infallible>>()).into_response())
            .await;
    let error = baseline(&hasty(&stalled, 30_000, 100)).await.unwrap_err();
    assert_eq!(
        (error.class, error.detail.as_str()),
        (Class::Transient, "gmail.users.getProfile: timed out in the body")
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let server = Server::start(async |_| (StatusCode::FOUND, [("location", "/elsewhere")]).into_response()).await;
    assert_eq!(class(baseline(&server.google()).await), Some(Class::Permanent));
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn only_a_get_is_tried_again_after_a_dropped_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
    let google = Google::new(&config(&url), Clock::default()).unwrap();

    let server = tokio::spawn(async move {
        drop(listener.accept().await.unwrap());
        let (mut socket, _) = listener.accept().await.unwrap();
        let _ = socket.read(&mut [0; 4096]).await.unwrap();
        let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 17\r\nconnection: close\r\n\r\n{\"historyId\":\"7\"}";
        socket.write_all(reply).await.unwrap();
        listener
    });
    assert_eq!(class(baseline(&google).await), None);
    let listener = server.await.unwrap();

    let refresh = "refresh-secret".into();
    let drop_one = async { drop(listener.accept().await.unwrap()) };
    let (revoked, ()) = tokio::join!(google.revoke(&refresh), drop_one);
    assert_eq!(class(revoked), Some(Class::Transient));
    // Had it been tried again, this would be the second try's connection and not ours.
    let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1, ours.local_addr().unwrap());
}

#[tokio::test]
async fn errors_quote_neither_tokens_nor_addresses() {
    let server = Server::start(async |asked: Asked| {
        let echo = asked.headers["authorization"].to_str().unwrap().to_owned();
        let error = json!({"message": echo, "errors": [{"reason": echo}], "status": echo});
        (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
    })
    .await;
    let nowhere = Url::parse("http://127.0.0.1:9/").unwrap();
    let unreachable = Google::new(&config(&nowhere), Clock::default()).unwrap();
    for error in [baseline(&server.google()).await.unwrap_err(), baseline(&unreachable).await.unwrap_err()] {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("secret") && !shown.contains("127.0.0.1"), "{shown}");
    }
}
