//! What a preview sees of a mail without its body is what the sync's filter sees of the whole.

use std::path::Path;

use futures::{StreamExt, stream};
use omnisync::{
    domain::{
        ids::AccountId,
        normalize::mail::{self, Outline},
        stream::Collection,
    },
    providers::{Provider, google::Google},
    sandbox::{Deliver, Generate},
};
use secrecy::SecretString;
use serde_json::json;

use crate::{
    flow::{ADA, everything, small_mailbox},
    support::{Opener, Settings, TestApp, uuid_of},
};

/// Nested parts, a mail in a mail, a file without a name, and headers as nobody should write them.
const ODD: [&str; 4] = [
    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/related; boundary=b\r\n\r\n--b\r\n\
     Content-Type: text/html\r\n\r\n<p>x\r\n--b\r\nContent-Type: image/png; name=i.png\r\nContent-ID: <i>\r\n\r\nx\r\n--b--\r\n--a--\r\n",
    "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\
     Content-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\nContent-Disposition: attachment\r\n\r\nx\r\n--c--\r\n--a--\r\n",
    "Content-Type: multipart/mixed; boundary=\"a b\"\r\n\r\n--a b\r\nContent-Disposition: attachment\r\n\r\nx\r\n--a b--\r\n",
    "Content-Type: text/plain; name=notes.txt\r\nCc: =?utf-8?q?J=C3=BCrgen?=\r\n <j@example.org>, Friends: k@example.org;\r\n\r\nx",
];

/// What the filter sees of each mail in both forms, where the two differ.
async fn differing(app: &TestApp, access: &SecretString) -> Vec<String> {
    let google = Google::new(&app.config.google, app.clock.clone()).expect("a client");
    let ids: Vec<String> = app.google.messages(ADA).expect("mail").into_iter().map(|mail| mail.id).collect();
    let mailbox = Collection::mailbox();
    let mut wholes = std::pin::pin!(google.hydrate(access, &mailbox, stream::iter(ids.clone()), 4));
    let mut differing = Vec::new();
    while let Some((id, whole)) = wholes.next().await {
        let mut outline = std::pin::pin!(google.outline(access, &mailbox, stream::iter([id.clone()]), 1));
        let (_, outline) = outline.next().await.expect("an answer");
        let whole = format!("{:?}", mail::facts(&whole.expect("a mail").json).expect("it can be read"));
        let outline = Outline::read(&outline.expect("an outline").json).expect("it can be read");
        let outline = format!("{:?}", outline.mail.facts());
        // Google's parsed form is text: header bytes that are no UTF-8 are lost in it, and guessed in the whole.
        let is_lossy = outline.contains('\u{fffd}');
        differing.extend((whole != outline && !is_lossy).then(|| format!("{whole}\n{outline}")));
    }
    differing
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_1_an_outline_and_the_whole_tell_a_filter_the_same() {
    let app = TestApp::start_idle(Settings::new()).await;
    small_mailbox(&app, 200, 0);
    for (n, odd) in ODD.iter().enumerate() {
        let mail = format!("From: Grace <grace@example.org>\r\nSubject: Odd {n}\r\nMessage-ID: <{n}@x>\r\n{odd}");
        app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("delivered");
    }
    let account = app.person("ada").connect(ADA).await;
    let account = AccountId(uuid_of(&account).parse().expect("a UUID"));
    let sealed = app.db.rows("SELECT encode(access_token, 'hex') FROM accounts").await[0][0].clone();
    let sealed = hex::decode(sealed).expect("bytes");
    let access = Opener::of(&app, ADA).await.vault.open_token(account, "access_token", &sealed).expect("it opens");
    assert_eq!(differing(&app, &access).await, [""; 0]);

    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/mail");
    if !corpus.is_dir() {
        return println!("skipped: there is no corpus of mail beside this repository");
    }
    let n_mails = app.google.load(ADA, &corpus).expect("the corpus loads").messages;
    // The corpus is full of what nobody should send. What is no longer mail two readers may well read in two ways, and Google
    // is not us.
    let differing = differing(&app, &access).await;
    println!("{} of {n_mails} differ", differing.len());
    assert!(differing.len() * 50 <= n_mails, "{}", differing.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_does_not_wait_for_large_mails() {
    let app = TestApp::start_idle(Settings::new()).await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let head = "From: Grace <grace@example.org>\r\nSubject: Everything\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\n\
        All of it &amp; more.\r\n--a\r\nContent-Disposition: attachment; filename=all.bin\r\n\r\n";
    // Too large even to be taken whole.
    let large = [head.as_bytes(), &vec![b'x'; 61 << 20], b"\r\n--a--\r\n"].concat();
    app.google.deliver(ADA, &large, Deliver::default()).expect("delivered");
    let generate = Generate { messages: 5, events: 0, ..Generate::usual(app.clock.now()) };
    app.google.generate(ADA, &generate).expect("a mailbox");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let mut input = everything();
    input["gmailQuery"] = json!("has:attachment larger:10M");
    let preview = ada.preview(&account, input).await["preview"].clone();
    let sample = &preview["samples"][0];
    assert_eq!((&preview["sampledMails"], &preview["excludedByRule"]), (&json!(1), &json!([])), "{preview:#}");
    assert_eq!((&sample["title"], &sample["snippet"]), (&json!("Everything"), &json!("All of it &amp; more.")));
    assert_eq!(sample["who"], json!("grace@example.org"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_excluded_is_in_the_count_before_it_is_approved() {
    let app = TestApp::start().await;
    small_mailbox(&app, 120, 0);
    for n in 0..7 {
        // A subdomain of what is excluded, and somebody who only names it.
        let from = if n < 4 { "News <news@mail.shop.example>" } else { "shop.example fan <fan@example.org>" };
        let mail = format!("From: {from}\r\nTo: {ADA}\r\nSubject: Offer {n}\r\nMessage-ID: <{n}@x>\r\n\r\nBuy.\r\n");
        app.google.deliver(ADA, mail.as_bytes(), Deliver::default()).expect("delivered");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let count = async |domains: &[&str]| {
        let mut input = everything();
        input["excludedDomains"] = json!(domains);
        let preview = ada.preview(&account, input).await["preview"].clone();
        let of = |end: &str| preview["mail"][end].as_i64().expect("a number");
        (preview["id"].as_str().expect("an id").to_owned(), of("atLeast"), of("atMost"))
    };
    let (_, at_least, at_most) = count(&["nobody.example"]).await;
    assert_eq!(at_least, at_most, "nothing is kept out, so the count is exact");
    let (preview, at_least, at_most) = count(&["shop.example"]).await;
    let payload = ada.approve(&preview, "once").await;
    let done = ada.finished(payload["batch"]["id"].as_str().expect("an id")).await;
    let stored = done["counts"]["stored"].as_i64().expect("a number");
    assert_eq!((at_most - stored, done["counts"]["filtered"].as_i64()), (4, Some(4)), "{done:#}");
    assert!((stored - 3..=stored).contains(&at_least), "{at_least} to {at_most}, and it were {stored}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_prefers_nothing_sees_what_they_wrote_and_what_has_no_tab_but_no_advertising() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    let mail = |from: &str, to: &str, subject: &str, labels: &[&str]| {
        let raw = format!(
            "From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@x.example>\r\n\r\nHello\r\n"
        );
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        app.google.deliver(ADA, raw.as_bytes(), Deliver { labels, ..Deliver::default() }).expect("delivered");
    };
    mail(ADA, "grace@example.org", "written", &["SENT"]);
    mail("Linus <linus@example.net>", ADA, "primary", &["INBOX", "CATEGORY_PERSONAL"]);
    mail("Linus <linus@example.net>", ADA, "untabbed", &["INBOX"]);
    for tab in ["PROMOTIONS", "SOCIAL", "UPDATES", "FORUMS"] {
        mail("News <news@example.com>", ADA, tab, &["INBOX", &format!("CATEGORY_{tab}")]);
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.finished(&ada.import(&account, json!({})).await).await;
    let rows = ada.timeline(json!({ "kind": "EMAIL" })).await;
    let mut subjects: Vec<_> = rows.iter().filter_map(|row| row["subject"].as_str()).collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["primary", "untabbed", "written"]);
    let contacts = ada.data("{ contacts { nodes { name identities { address } } } }", json!({})).await;
    let expected = json!([{ "address": "grace@example.org" }]);
    assert_eq!(contacts["contacts"]["nodes"][0]["identities"], expected, "{contacts:#}");
}
