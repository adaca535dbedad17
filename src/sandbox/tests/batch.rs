//! Many requests in one.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    super::{Behaviour, Deliver, Effect, FaultMatch, FaultPlan, Limit, Quota},
    support::*,
};

/// Sends a batch of bare `GET`s and gives each answer's status and body by the id of its request, in the order they came.
async fn batch(
    google: &Google,
    path: &str,
    token: Option<&str>,
    parts: &[String],
    end: &str,
) -> Vec<(String, u16, Value)> {
    let mut body = String::new();
    for (index, part) in parts.iter().enumerate() {
        body.push_str(&format!(
            "--b =1{end}Content-Type: application/http{end}Content-ID: <x + {index}>{end}{end}{part}{end}{end}{end}"
        ));
    }
    body.push_str(&format!("--b =1--{end}"));
    let mut request = google.http.post(google.at(path)).header("content-type", "multipart/mixed; boundary=\"b =1\"");
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.body(body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let boundary = response.headers()["content-type"].to_str().unwrap().split_once("boundary=").unwrap().1.to_owned();
    let text = response.text().await.unwrap();
    let parts: Vec<&str> = text.split(&format!("--{boundary}")).collect();
    parts[1..parts.len() - 1].iter().map(|part| read(part)).collect()
}

fn read(part: &str) -> (String, u16, Value) {
    let mut sections = part.splitn(3, "\r\n\r\n");
    let (outer, head, body) = (sections.next().unwrap(), sections.next().unwrap(), sections.next().unwrap());
    let id = outer.split_once("Content-ID: <response-x + ").unwrap().1.split('>').next().unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (id.to_owned(), status, serde_json::from_str(body.trim_end()).unwrap())
}

fn get(path: &str) -> String {
    format!("GET /gmail/v1/users/me/{path}")
}

#[tokio::test]
async fn each_part_has_an_answer_a_token_and_a_price_of_its_own() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    let id = control.deliver(ADA, &mail("one"), Deliver::default()).unwrap();
    control.clear_journal();
    control.set_quota(Some(Quota { gmail_per_user: 22, ..Quota::default() }));
    let parts = [
        get(&format!("messages/{id}?format=minimal")),
        get("messages/ffff") + " HTTP/1.1\nAuthorization: Bearer dead",
        get("profile") + " HTTP/1.1",
        get("messages"),
        "GET /calendar/v3/calendars/primary/events".to_owned(),
    ];
    for (path, end) in [("/batch", "\n"), ("/batch/gmail/v1", "\r\n")] {
        control.set_quota(control.quota());
        let answers =
            batch(&google, path, Some(&token), &parts.each_ref().map(|part| part.replace('\n', end)), end).await;
        let statuses: BTreeMap<&str, u16> = answers.iter().map(|(id, status, _)| (id.as_str(), *status)).collect();
        assert_eq!(statuses, BTreeMap::from([("0", 200), ("1", 401), ("2", 200), ("3", 403), ("4", 400)]), "{path}");
        assert_eq!(answers[0].2["id"], *id);
    }
    let journal: Vec<_> = control.journal().into_iter().map(|entry| (entry.units, entry.refused)).collect();
    let one = [(20, None), (20, None), (1, None), (5, Some(Limit::UserMinute)), (0, None)];
    let mut sorted = journal.clone();
    sorted.sort_by_key(|(units, refused)| (*units, refused.is_some()));
    let mut expected = [one, one].concat();
    expected.sort_by_key(|(units, refused)| (*units, refused.is_some()));
    assert_eq!(sorted, expected);
}

#[tokio::test]
async fn parts_run_at_once_fail_alone_and_come_in_any_order() {
    let google = Google::start();
    let (control, token) = (google.control(), google.linked().await);
    control.set_quota(Some(Quota { concurrent_per_user: 10, ..Quota::default() }));
    let parts = vec![get("profile"); 25];
    let answers = batch(&google, "/batch", Some(&token), &parts, "\n").await;
    let n_refused = answers.iter().filter(|(_, status, _)| *status == 429).count();
    assert_eq!((answers.len(), n_refused), (25, 15));
    assert_eq!(control.journal().iter().filter(|entry| entry.refused == Some(Limit::Concurrency)).count(), 15);
    control.set_quota(None);

    control.behave(Behaviour { shuffle_batches: Some(1), ..Behaviour::default() });
    let which = FaultMatch { path_prefix: "/gmail/".into(), ..FaultMatch::default() };
    let effect = Effect::Refuse { status: 503, reason: "backendError".into(), message: "".into(), retry_after: None };
    control.plan_fault(FaultPlan { which: which.clone(), effect, ..FaultPlan::default() });
    let answers = batch(&google, "/batch", Some(&token), &parts, "\n").await;
    let order: Vec<usize> = answers.iter().map(|(id, ..)| id.parse().unwrap()).collect();
    assert!(!order.is_sorted(), "{order:?}");
    assert_eq!(answers.iter().filter(|(_, status, _)| *status == 503).count(), 1);

    control.plan_fault(FaultPlan { which, effect: Effect::Reset, ..FaultPlan::default() });
    let request = google.http.post(google.at("/batch")).bearer_auth(&token);
    let body = format!("--b\n\n{}\n\n--b--", get("profile"));
    assert!(request.header("content-type", "multipart/mixed; boundary=b").body(body).send().await.is_err());
}

#[tokio::test]
async fn a_batch_that_is_none_is_refused_whole() {
    let google = Google::start();
    let token = google.linked().await;
    let send = async |path: &str, token: &str, kind: &str, n: usize| {
        let body = (0..n).map(|_| format!("--b\n\n{}\n\n", get("profile"))).collect::<String>() + "--b--\n";
        let request = google.http.post(google.at(path)).bearer_auth(token).header("content-type", kind);
        request.body(body).send().await.unwrap().status().as_u16()
    };
    let kind = "multipart/mixed; boundary=b";
    assert_eq!(send("/batch", &token, kind, 100).await, 200);
    assert_eq!(send("/batch", &token, kind, 101).await, 400);
    assert_eq!(send("/batch/calendar/v3", &token, kind, 101).await, 200);
    assert_eq!(send("/batch", &token, kind, 0).await, 400);
    assert_eq!(send("/batch", &token, "application/json", 1).await, 400);
    assert_eq!(send("/batch", "dead", kind, 1).await, 401);
    let calendar = ["GET /calendar/v3/calendars/primary/events".to_owned()];
    assert_eq!(batch(&google, "/batch/calendar/v3", Some(&token), &calendar, "\n").await[0].1, 200);
    let own = [get("profile") + &format!("\nAuthorization: Bearer {token}"), get("profile")];
    let statuses: Vec<u16> = batch(&google, "/batch", None, &own, "\n").await.iter().map(|part| part.1).collect();
    assert_eq!(statuses, [200, 401]);
}
