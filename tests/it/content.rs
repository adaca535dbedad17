//! What a mail holds beyond its text: its HTML, made harmless, and its files, under links that end.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use axum::{http::HeaderMap, routing::get};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{FINISHED, Person, Settings, TestApp},
};

const MAIL: &str = "From: Grace Hopper <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: Offer\r\n\
    Message-ID: <offer@example.org>\r\nDate: Mon, 2 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n\
    List-Id: Engines <engines.example.org>\r\nList-Post: <mailto:engines@example.org>\r\n\
    Content-Type: multipart/mixed; boundary=b\r\n\r\n\
    --b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n\
    <p onclick=\"alert(1)\">The <b>offer</b> is attached.</p><script>alert(2)</script><img src=\"https://t.example/p.gif\">\
    <img src=\"cid:logo@example.org\"><div class=gmail_quote><div class=gmail_attr>On Monday Ada wrote:</div><blockquote>Send it?</blockquote></div>\r\n\
    --b\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@example.org>\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n\
    --b\r\nContent-Type: image/svg+xml; name=\"=?utf-8?q?Gr=C3=B6=C3=9Fe=2Esvg?=\"\r\nContent-Disposition: attachment\r\n\r\n<svg onload=\"alert(3)\"/>\r\n\
    --b--\r\n";

const QUERY: &str = "query($filter: TimelineFilter) { timeline(first: 1, filter: $filter) { nodes {
    id bodyText replyText snippet category listId protection sentAt notes failedRecipients meeting { free } invitation { method uid }
    html { html remoteImages truncated }
    attachments { id name mediaType sizeBytes inline contentId url } } } }";

async fn with_mail(app: &TestApp) -> (Person, Value) {
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    app.google.deliver(ADA, MAIL.as_bytes(), Deliver::default()).expect("delivered");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let preview = ada.preview_id(&account, everything()).await;
    let payload = ada.approve(&preview, "once").await;
    let batch = payload["batch"]["id"].as_str().unwrap_or_else(|| panic!("{payload:#}")).to_owned();
    let done = ada.batch_in(&batch, FINISHED).await;
    assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
    let answer = ada.data(QUERY, json!({ "filter": { "category": ["LIST"] } })).await;
    let mail = answer["timeline"]["nodes"][0].clone();
    (ada, mail)
}

/// A server on loopback that has an image and counts who comes.
struct Elsewhere {
    root: String,
    asked: Arc<AtomicUsize>,
}

impl Elsewhere {
    async fn start() -> Self {
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let image = move |headers: HeaderMap| async move {
            count.fetch_add(1, Ordering::Relaxed);
            // Neither where the person is nor whose image it is.
            let tells = ["cookie", "referer", "authorization"].iter().any(|name| headers.contains_key(*name));
            if tells { Vec::new() } else { b"\x89PNG\r\n\x1a\n".to_vec() }
        };
        let page = async || "<script>alert(1)</script>";
        let router = axum::Router::new().route("/logo.png", get(image)).route("/page.png", get(page));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let root = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(async { axum::serve(listener, router).await });
        Self { root, asked }
    }

    fn n_asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    fn mail(&self) -> String {
        format!(
            "From: Grace <grace@example.org>\r\nTo: ada@brightwater.example\r\nSubject: News\r\nMessage-ID: <news@example.org>\r\n\
             MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n\
             <img src={root}/logo.png><img src={root}/page.png><img src={root}/logo.png width=1><p>News</p>\r\n",
            root = self.root
        )
    }

    /// The mail's HTML, with its images as asked.
    async fn html(&self, app: &TestApp, images: &str) -> Value {
        app.google.add_account(ADA, "Ada Brook").expect("an account");
        app.google.deliver(ADA, self.mail().as_bytes(), Deliver::default()).expect("delivered");
        let ada = app.person("ada");
        let account = ada.connect(ADA).await;
        ada.finished(&ada.import(&account, everything()).await).await;
        let query = "query($images: RemoteImages!) { timeline(first: 1) { nodes {
            html(images: $images) { html remoteImages proxiedImages } } } }";
        ada.data(query, json!({ "images": images })).await["timeline"]["nodes"][0]["html"].clone()
    }
}

/// The addresses of images in HTML.
fn sources(html: &Value) -> Vec<Value> {
    let html = html["html"].as_str().expect("HTML");
    html.split("src=\"").skip(1).map(|rest| json!(rest.split('"').next().unwrap_or_default())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn images_from_elsewhere_come_through_us_where_the_operator_and_the_person_want_it() {
    let elsewhere = Elsewhere::start().await;
    let on = Settings::from([("IMAGE_PROXY", "true".to_owned()), ("IMAGE_PROXY_ALSO", "127.0.0.0/8".to_owned())]);
    let app = TestApp::start_with(on).await;
    let html = elsewhere.html(&app, "PROXIED").await;
    assert_eq!((&html["remoteImages"], &html["proxiedImages"]), (&json!(3), &json!(2)), "{html:#}");
    let sources = sources(&html);
    assert_eq!((sources.len(), elsewhere.n_asked()), (2, 0), "nothing is asked before somebody looks: {html:#}");

    let image = download(&sources[0]).await;
    let header = |name: &str| image.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!((image.status().as_u16(), header("content-type").as_str()), (200, "image/png"));
    assert_eq!(
        (header("x-content-type-options").as_str(), header("cross-origin-resource-policy").as_str()),
        ("nosniff", "cross-origin")
    );
    assert!(header("content-security-policy").contains("sandbox"));
    assert_eq!(image.bytes().await.expect("bytes").as_ref(), b"\x89PNG\r\n\x1a\n");
    assert_eq!(download(&sources[1]).await.status(), 404, "a page is no image");
    assert_eq!(elsewhere.n_asked(), 1);
    // The link of a file is none of an image, nor is one that somebody made up, nor one whose time is over.
    let text = sources[0].as_str().expect("an address");
    for other in [text.replacen("/images/", "/attachments/", 1), format!("{text}A")] {
        assert_eq!(download(&json!(other)).await.status(), 404, "{other}");
    }
    app.clock.advance(TimeDelta::minutes(16));
    assert_eq!(download(&sources[0]).await.status(), 404);
    assert_eq!(elsewhere.n_asked(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn images_from_elsewhere_stay_away_unless_both_want_them_and_never_come_from_inside() {
    let elsewhere = Elsewhere::start().await;
    let html = elsewhere.html(&TestApp::start().await, "PROXIED").await;
    assert_eq!((&html["remoteImages"], &html["proxiedImages"]), (&json!(3), &Value::Null), "{html:#}");
    assert!(sources(&html).is_empty());

    let app = TestApp::start_with(Settings::from([("IMAGE_PROXY", "true".to_owned())])).await;
    let blocked = elsewhere.html(&app, "BLOCKED").await;
    assert_eq!((sources(&blocked).len(), &blocked["proxiedImages"]), (0, &json!(0)), "{blocked:#}");
    let query = "{ timeline(first: 1) { nodes { html(images: PROXIED) { html } } } }";
    let proxied = app.person("ada").data(query, json!({})).await["timeline"]["nodes"][0]["html"].clone();
    for source in sources(&proxied) {
        assert_eq!(download(&source).await.status(), 404);
    }
    assert_eq!(elsewhere.n_asked(), 0, "a server inside was asked");
}

/// Fetches an address as a browser does: without a token.
async fn download(url: &Value) -> reqwest::Response {
    reqwest::get(url.as_str().expect("an address")).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_gives_its_own_words_its_html_and_its_kind() {
    let app = TestApp::start().await;
    let (ada, mail) = with_mail(&app).await;
    assert_eq!(mail["replyText"], json!("The offer is attached."), "{mail:#}");
    assert_eq!(mail["snippet"], mail["replyText"]);
    assert_eq!(mail["bodyText"], json!("The offer is attached.\n\nOn Monday Ada wrote:\n\nSend it?"));
    assert_eq!((&mail["category"], &mail["listId"]), (&json!("LIST"), &json!("engines.example.org")));
    assert_eq!((&mail["protection"], &mail["invitation"]), (&Value::Null, &Value::Null));
    assert_eq!((&mail["notes"], &mail["meeting"]), (&json!([]), &Value::Null));
    assert_eq!(mail["sentAt"], json!("2026-11-02T08:00:00+00:00"));
    let html = mail["html"]["html"].as_str().expect("HTML");
    assert!(html.contains("The <b>offer</b>") && html.contains("cid:logo@example.org"), "{html}");
    assert!(!html.contains("onclick") && !html.contains("script") && !html.contains("t.example"), "{html}");
    assert_eq!((&mail["html"]["remoteImages"], &mail["html"]["truncated"]), (&json!(1), &json!(false)));

    let none = ada.data(QUERY, json!({ "filter": { "category": ["BOUNCE", "PERSONAL"] } })).await;
    assert_eq!(none["timeline"]["nodes"], json!([]));
    // HTML is worked out for few mails at a time.
    let page = "{ timeline(first: 25) { nodes { html { html } } } }";
    let answer = ada.answer(page, json!({})).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], json!("DOCUMENT_TOO_COMPLEX"));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_downloaded_and_never_shown() {
    let app = TestApp::start().await;
    let (_, mail) = with_mail(&app).await;
    let files = mail["attachments"].as_array().expect("files");
    assert_eq!(
        (&files[0]["name"], &files[0]["contentId"], &files[0]["inline"]),
        (&json!("logo.png"), &json!("logo@example.org"), &json!(true))
    );
    assert_eq!((&files[1]["name"], &files[1]["inline"]), (&json!("Größe.svg"), &json!(false)));
    assert_ne!(files[0]["id"], files[1]["id"]);

    let logo = download(&files[0]["url"]).await;
    let header = |answer: &reqwest::Response, name: &str| answer.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!((logo.status().as_u16(), header(&logo, "content-type").as_str()), (200, "image/png"));
    assert_eq!(header(&logo, "x-content-type-options"), "nosniff");
    assert_eq!(header(&logo, "content-disposition"), "attachment; filename=\"logo.png\"; filename*=UTF-8''logo.png");
    assert_eq!(logo.bytes().await.expect("bytes").as_ref(), b"\x89PNG\r\n\x1a\n");

    let svg = download(&files[1]["url"]).await;
    assert_eq!(header(&svg, "content-type"), "application/octet-stream");
    assert_eq!(
        header(&svg, "content-disposition"),
        "attachment; filename=\"Gr__e.svg\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.svg"
    );
    assert!(header(&svg, "content-security-policy").contains("sandbox"));
    assert_eq!(svg.text().await.expect("text").trim(), "<svg onload=\"alert(3)\"/>");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_and_cannot_be_made_up() {
    let app = TestApp::start().await;
    let (ada, mail) = with_mail(&app).await;
    let url = &mail["attachments"][0]["url"];
    assert_eq!(download(url).await.status(), 200);
    let text = url.as_str().expect("an address");
    for other in
        [format!("{text}A"), text[..text.len() - 8].to_owned(), text.replacen("/attachments/A", "/attachments/B", 1)]
    {
        assert_eq!(download(&json!(other)).await.status(), 404, "{other}");
    }
    app.clock.advance(TimeDelta::minutes(14));
    assert_eq!(download(url).await.status(), 200);
    app.clock.advance(TimeDelta::seconds(61));
    let late = download(url).await;
    assert_eq!(late.status(), 404);
    let late: Value = late.json().await.expect("JSON");
    assert_eq!(late["errors"][0]["extensions"]["code"], json!("NOT_FOUND"));

    // What has been taken back cannot be fetched any more, whatever link is out.
    let fresh = ada.data(QUERY, json!({})).await["timeline"]["nodes"][0]["attachments"][0]["url"].clone();
    let batch =
        ada.data("{ batches(first: 1) { nodes { id } } }", json!({})).await["batches"]["nodes"][0]["id"].clone();
    ada.undo_whole(batch.as_str().expect("an id")).await;
    assert_eq!(download(&fresh).await.status(), 404);
}

const ORIGINAL: &str = "query($id: ID!) { node(id: $id) { ... on Interaction { sourceId rawUrl } } }";

#[tokio::test(flavor = "multi_thread")]
async fn what_google_sent_of_a_mail_is_had_as_it_came_until_the_link_ends() {
    let app = TestApp::start().await;
    let (ada, mail) = with_mail(&app).await;
    let original = async || ada.data(ORIGINAL, json!({ "id": mail["id"] })).await["node"].clone();
    let node = original().await;
    let answer = download(&node["rawUrl"]).await;
    let header = |name: &str| answer.headers()[name].to_str().expect("ASCII").to_owned();
    assert_eq!((answer.status().as_u16(), header("content-type").as_str()), (200, "application/json"));
    assert!(header("content-disposition").starts_with("attachment;"), "no browser shows it");
    assert!(header("content-security-policy").contains("sandbox"));
    let sent: Value = answer.json().await.expect("JSON");
    assert_eq!((sent.as_array().map(Vec::len), &sent[0]["id"]), (Some(1), &node["sourceId"]), "{sent:#}");
    let raw = sent[0]["raw"].as_str().expect("the mail").trim_end_matches('=');
    assert_eq!(URL_SAFE_NO_PAD.decode(raw).expect("base64"), MAIL.as_bytes());

    // The link of a file is none of an original, and the other way round.
    let url = node["rawUrl"].as_str().expect("an address");
    let file = mail["attachments"][0]["url"].as_str().expect("an address");
    for other in
        [url.replacen("/raw/", "/attachments/", 1), file.replacen("/attachments/", "/raw/", 1), format!("{url}A")]
    {
        assert_eq!(download(&json!(other)).await.status(), 404, "{other}");
    }
    app.clock.advance(TimeDelta::minutes(16));
    assert_eq!(download(&node["rawUrl"]).await.status(), 404);
    // What has been taken back cannot be fetched any more, whatever link is out.
    let fresh = original().await["rawUrl"].clone();
    assert_eq!(download(&fresh).await.status(), 200);
    let batches = ada.data("{ batches(first: 1) { nodes { id } } }", json!({})).await;
    ada.undo_whole(batches["batches"]["nodes"][0]["id"].as_str().expect("an id")).await;
    assert_eq!(download(&fresh).await.status(), 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_google_sent_of_a_meeting_is_its_series_and_then_the_exceptions() {
    let app = TestApp::start().await;
    small_mailbox(&app, 1, 40);
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.finished(&ada.import(&account, everything()).await).await;
    let (mut n_alone, mut n_series) = (0, 0);
    for meeting in ada.timeline(json!({ "kind": "MEETING" })).await.iter().step_by(5) {
        let node = ada.data(ORIGINAL, json!({ "id": meeting["id"] })).await["node"].clone();
        let sent: Vec<Value> = download(&node["rawUrl"]).await.json().await.expect("a list");
        assert_eq!(sent[0]["id"], node["sourceId"], "{sent:#?}");
        assert!(sent[1..].iter().all(|exception| exception["recurringEventId"] == node["sourceId"]), "{sent:#?}");
        if sent[0]["recurrence"].is_null() { n_alone += 1 } else { n_series += 1 }
    }
    assert!(n_alone > 0 && n_series > 0, "{n_alone} alone, {n_series} of a series");
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_another_person_has_neither_html_nor_files_nor_originals() {
    let app = TestApp::start().await;
    let (_, mail) = with_mail(&app).await;
    let grace = app.person("grace");
    let node = "query($id: ID!) { node(id: $id) { ... on Interaction { html { html } attachments { url } rawUrl } } }";
    assert_eq!(grace.data(node, json!({ "id": mail["id"] })).await["node"], Value::Null);
}
