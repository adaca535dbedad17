//! Wire tests: the real client against scripted replies from a server on loopback.

mod calendar;
mod gmail;
mod oauth;
mod wire;

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    Json, Router,
    body::to_bytes,
    extract::Request,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::{Url, form_urlencoded};

use super::Google;
use crate::clock::Clock;
use crate::config;
use crate::providers::{Class, Entry, Error};

/// A request that reached the server.
#[derive(Clone, Debug)]
struct Asked {
    path: String,
    query: HashMap<String, String>,
    headers: HeaderMap,
    form: HashMap<String, String>,
}

/// A server whose every reply comes from a script.
struct Server {
    url: Url,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    async fn start<F, Fut>(script: F) -> Self
    where
        F: Fn(Asked) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Response> + Send,
    {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let journal = asked.clone();
        let app = Router::new().fallback(async move |request: Request| {
            let request = read(request).await;
            journal.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
            script(request).await
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { url, asked, task }
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn google(&self) -> Google {
        Google::new(&config(&self.url), Clock::default()).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn read(request: Request) -> Asked {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let pairs = |encoded: &[u8]| form_urlencoded::parse(encoded).into_owned().collect();
    Asked {
        path: head.uri.path().to_owned(),
        query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
        headers: head.headers,
        form: pairs(&body),
    }
}

fn config(root: &Url) -> config::Google {
    let at = |path: &str| root.join(path).unwrap();
    config::Google {
        client_id: "client".to_owned(),
        client_secret: "client-secret".into(),
        auth_url: at("auth"),
        token_url: at("token"),
        revoke_url: at("revoke"),
        jwks_url: at("certs"),
        issuer: "https://accounts.google.com".to_owned(),
        gmail_url: root.clone(),
        calendar_url: at("calendar/v3/"),
        timeout: Duration::from_secs(30),
        body_timeout: Duration::from_secs(60),
    }
}

fn ok(body: Value) -> Response {
    Json(body).into_response()
}

fn refuse(status: u16, reason: &str) -> Response {
    let error = json!({"code": status, "message": "m", "errors": [{"domain": "global", "reason": reason}]});
    (StatusCode::from_u16(status).unwrap(), Json(json!({ "error": error }))).into_response()
}

fn class<T>(result: Result<T, Error>) -> Option<Class> {
    result.err().map(|error| error.class)
}

/// An entry in short: its kind, its id and what tells it from others of the kind.
fn brief(entry: &Entry) -> String {
    match entry {
        Entry::Id(id) => format!("id {id}"),
        Entry::Payload(payload) => format!("payload {} of {} @{}", payload.source_id, payload.group, payload.version),
        Entry::Gone { source_id, version, .. } => format!("gone {source_id} @{version}"),
    }
}
