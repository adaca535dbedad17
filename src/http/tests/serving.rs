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
