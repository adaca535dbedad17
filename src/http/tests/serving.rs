use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use super::*;

/// What a connection says until the server ends it.
async fn until_closed(mut stream: TcpStream) -> String {
    let mut text = Vec::new();
    // A reset is an end as well.
    let _ = timeout(SOON, stream.read_to_end(&mut text)).await.expect("the server closes the connection");
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn slow_clients_are_given_up_on() {
    let short = Duration::from_millis(100);
    let head = Server::start_with(|settings| settings.patience.head = short).await;
    let idle = Server::start_with(|settings| settings.patience.idle = short).await;

    // Nothing at all, and half a head.
    assert_eq!(until_closed(TcpStream::connect(head.address).await.unwrap()).await, "");
    let mut half = TcpStream::connect(head.address).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    assert!(!until_closed(half).await.contains("200 OK"));

    // Half a head after a whole request.
    let mut second = TcpStream::connect(head.address).await.unwrap();
    second.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut first = vec![0; 15];
    second.read_exact(&mut first).await.unwrap();
    assert_eq!(first, b"HTTP/1.1 200 OK");
    second.write_all(b"GET /healthz HTTP").await.unwrap();
    assert!(!until_closed(second).await.contains("200 OK"));

    // Silence after a whole request is another matter.
    let mut silent = TcpStream::connect(idle.address).await.unwrap();
    silent.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(until_closed(silent).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_stopping_server_finishes_what_it_began() {
    let server = Server::start_with(|settings| settings.http.timeout = Duration::from_millis(300)).await;
    let idle = TcpStream::connect(server.address).await.unwrap();
    let mut served = TcpStream::connect(server.address).await.unwrap();
    served.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut byte = [0];
    served.read_exact(&mut byte).await.unwrap();

    let running = server.ask("{ pending }");
    let stop = async {
        server.counts.begun.notified().await;
        server.shutdown.begin();
        server.shutdown.begin();
    };
    let (answer, ()) = futures::join!(running, stop);
    assert_eq!(answer.refusal(), (504, "TIMEOUT"), "the request was begun before");
    until_closed(served).await;
    drop(idle);
    timeout(SOON, server.stopped).await.expect("the server stops").unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}

/// A server that answers and closes without a word makes the client's next request fail.
#[tokio::test]
async fn a_body_that_was_not_read_is_thrown_away_or_the_connection_is_said_to_close() {
    let server = Server::start().await;
    let head = |length: usize| {
        format!("POST /graphql HTTP/1.1\r\nhost: h\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n")
    };
    // All of it comes, in its own time: the connection goes on.
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(head(300_000).as_bytes()).await.unwrap();
    stream.write_all(&[b' '; 300_000]).await.unwrap();
    let (answered, mut answers) = (|text: &str| text.matches("HTTP/1.1 401").count(), String::new());
    read_until(&mut stream, &mut answers, |text| answered(text) == 1).await;
    assert!(!answers.contains("connection: close"), "{answers}");
    stream.write_all(format!("{}!", head(1)).as_bytes()).await.unwrap();
    read_until(&mut stream, &mut answers, |text| answered(text) == 2).await;

    // It does not come, or there is no end of it: the answer comes all the same, and says what happens next.
    for sent in [0, 2_000_000] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(head(100_000_000).as_bytes()).await.unwrap();
        let (mut read, mut write) = stream.split();
        let body = vec![b' '; sent];
        let mut answer = String::new();
        tokio::join!(
            async { write.write_all(&body).await.ok() },
            read_until(&mut read, &mut answer, |text| text.contains("\r\n\r\n"))
        );
        assert!(answer.contains("HTTP/1.1 401") && answer.contains("connection: close"), "{sent}: {answer}");
    }
}

/// Reads on until what has come is enough.
async fn read_until(stream: &mut (impl AsyncReadExt + Unpin), text: &mut String, enough: impl Fn(&str) -> bool) {
    let mut buffer = [0; 4_096];
    while !enough(text) {
        let n = timeout(SOON, stream.read(&mut buffer)).await.expect("in time").unwrap();
        assert_ne!(n, 0, "closed after: {text}");
        text.push_str(&String::from_utf8_lossy(&buffer[..n]));
    }
}
