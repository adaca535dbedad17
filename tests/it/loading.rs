//! A page costs so many statements, however long it is.

use chrono::{SubsecRound, TimeDelta};
use omnisync::sandbox::Deliver;
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    support::{Person, Settings, TestApp, statements_of, uuid_of, watch_statements},
};

const HOME: &str = "ada@home.example";

/// All that a page of the timeline leads to.
const TIMELINE: &str = "query($n: Int!) { timeline(first: $n) { changesCursor nodes {
    id kind subject bodyText replyText account { email state shortcomings { code } streams { name } }
    participants { address contact { name identities { address } } }
    attachments { name sizeBytes }
    sources { interactionId account { email state } }
    conversation { id subject nInteractions lastAt account { email } participants { address contact { id name } } }
    invitation { method meeting { id account { email } conversation { subject } participants { contact { id name } } } }
    meeting { invitations { id } } } } }";

/// Pages of everything else.
const OTHERS: [(&str, &str); 4] = [
    ("batches", "query($n: Int!) { batches(first: $n) { nodes { id account { email state } jobs { kind } } } }"),
    ("contacts", "query($n: Int!) { contacts(first: $n) { nodes { id identities { address name } } } }"),
    (
        "contacts",
        "query($n: Int!) { contacts(first: $n) { nodes { id timeline(first: 3) { nodes { id
        participants { contact { id } } conversation { nInteractions } } } } } }",
    ),
    (
        "timeline",
        "query($n: Int!) { timeline(last: $n) { nodes { conversation { participants { contact { id identities { address } } } } } } }",
    ),
];

/// Mails to many people, in two accounts, each with a file, and each about a meeting that stands beside it.
async fn crowded(app: &TestApp, ada: &Person, pairs: i64) {
    let now = app.clock.now().trunc_subsecs(0);
    for email in [ADA, HOME] {
        app.google.add_account(email, "Ada Brook").expect("an account");
    }
    for n in 0..pairs {
        let start = now - TimeDelta::hours(2 * n + 1);
        let uid = format!("meeting{n}@brightwater.example");
        let event = json!({
            "iCalUID": uid, "summary": format!("Meeting {n}"),
            "start": { "dateTime": start.to_rfc3339() }, "end": { "dateTime": (start + TimeDelta::hours(1)).to_rfc3339() },
            "attendees": [{ "email": ADA, "self": true }, { "email": format!("p{n}@navy.example") }],
        });
        app.google.put_event(ADA, "primary", event).expect("made");
        let raw = format!(
            "From: Ada <{ADA}>\r\nTo: P <p{n}@navy.example>, Q <q{n}@navy.example>, Ada <{HOME}>\r\nSubject: Invitation {n}\r\n\
             Message-ID: <i{n}@brightwater.example>\r\nDate: Mon, 2 Nov 2026 09:00:00 +0100\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n\
             BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:Meeting\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n\
             --b\r\nContent-Type: application/pdf; name=a{n}.pdf\r\nContent-Disposition: attachment; filename=a{n}.pdf\r\n\r\nPDF\r\n--b--\r\n"
        );
        for (email, label) in [(ADA, "SENT"), (HOME, "INBOX")] {
            let internal_date = Some(start - TimeDelta::minutes(30));
            let deliver = Deliver { labels: vec![label.to_owned()], internal_date, ..Deliver::default() };
            app.google.deliver(email, raw.as_bytes(), deliver).expect("delivered");
        }
    }
    for email in [ADA, HOME] {
        let account = ada.connect(email).await;
        let batch = ada.import(&account, everything()).await;
        let done = ada.finished(&batch).await;
        assert_eq!(done["state"], json!("SUCCEEDED"), "{done:#}");
        for _ in 0..5 {
            ada.finished(&ada.sync_now(&account).await).await;
        }
    }
}

/// Whether somebody among these is a contact.
fn known(people: &Value) -> bool {
    people.as_array().into_iter().flatten().any(|one| one["contact"]["id"].is_string())
}

async fn page(ada: &Person, user: &str, field: &str, query: &str, n: usize) -> (usize, Vec<Value>) {
    let (count, page) = statements_of(user, ada.data(query, json!({ "n": n }))).await;
    let nodes = page[field]["nodes"].as_array().expect("rows").clone();
    (count, nodes)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_fifty_with_all_it_leads_to_costs_what_one_of_ten_costs() {
    watch_statements();
    let app = TestApp::start_with(Settings::from([("GRAPHQL_MAX_COMPLEXITY", "100000".to_owned())])).await;
    // Tests that run beside this one have people of other names.
    let ada = app.person("someone whose pages are counted");
    crowded(&app, &ada, 40).await;
    // Meetings make contacts, invitations do not.
    let policy = "mutation { updatePreferences(input: { contactPolicy: ALL }) { userErrors { code } } }";
    ada.data(policy, json!({})).await;
    let user = uuid_of(ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].as_str().expect("an id"));
    let user = uuid::Uuid::try_parse(&user).expect("a UUID").to_string();

    // Whoever asks for the place of changes follows them for some days, which is written down the first time.
    ada.data("{ timeline { changesCursor } }", json!({})).await;
    let (few, ten) = page(&ada, &user, "timeline", TIMELINE, 10).await;
    let (many, fifty) = page(&ada, &user, "timeline", TIMELINE, 50).await;
    assert_eq!((ten.len(), fifty.len()), (10, 50));
    for page in [&ten, &fifty] {
        // Not in vain: everything that a page may lead to is there.
        let has = |look: &dyn Fn(&Value) -> bool| page.iter().any(look);
        assert!(has(&|row| row["sources"].as_array().is_some_and(|all| all.len() == 2)), "{page:#?}");
        assert!(has(&|row| known(&row["invitation"]["meeting"]["participants"])), "{page:#?}");
        assert!(has(&|row| row["meeting"]["invitations"][0]["id"].is_string()), "{page:#?}");
        assert!(has(&|row| row["attachments"][0]["name"].is_string()), "{page:#?}");
        assert!(has(&|row| known(&row["conversation"]["participants"])), "{page:#?}");
        for row in page.iter().filter(|row| row["kind"] == json!("EMAIL")) {
            assert_eq!(row["account"]["email"], json!(ADA), "{row:#}");
            assert_eq!(row["conversation"]["nInteractions"], json!(1), "{row:#}");
        }
    }
    assert!(few > 0 && few == many, "{few} statements for 10 rows, {many} for 50");
    println!("a page of 50 interactions with all it leads to: {many} statements");
    for (field, query) in OTHERS {
        let (few, some) = page(&ada, &user, field, query, 5).await;
        let (many, more) = page(&ada, &user, field, query, 12).await;
        assert_eq!((some.len(), more.len()), (5, 12), "{query}");
        assert!(few > 0 && few == many, "{few} statements for 5 rows, {many} for 12: {query}");
    }
    // What has ids of its own is found by them in as many.
    let ids: Vec<Value> = fifty.iter().flat_map(|row| [row["id"].clone(), row["conversation"]["id"].clone()]).collect();
    let ids: Vec<Value> = ids.into_iter().filter(|id| id.is_string()).collect();
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Interaction { account { email } } ... on Thread { subject } } }";
    let mut counts = Vec::new();
    for n in [10, ids.len()] {
        let (count, found) = statements_of(&user, ada.data(query, json!({ "ids": ids[..n] }))).await;
        let found = found["nodes"].as_array().expect("nodes");
        let same: Vec<Value> = found.iter().map(|node| node["id"].clone()).collect();
        assert_eq!(same, ids[..n]);
        counts.push(count);
    }
    assert!(counts[0] > 0 && counts[0] == counts[1], "{counts:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thread_is_its_interactions_and_found_by_its_id() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    for (n, from) in ["grace@navy.example", ADA, "linus@kernel.example"].into_iter().enumerate() {
        let before = if n == 0 {
            String::new()
        } else {
            "References: <t0@x.example>\r\nIn-Reply-To: <t0@x.example>\r\n".to_owned()
        };
        let raw = format!(
            "From: Someone <{from}>\r\nTo: All <{ADA}>, <grace@navy.example>\r\nSubject: {}The plan\r\nMessage-ID: <t{n}@x.example>\r\n{before}\r\nText.\r\n",
            if n == 0 { "" } else { "Re: " }
        );
        let internal_date =
            Some(app.clock.now().trunc_subsecs(0) - TimeDelta::hours(10 - i64::try_from(n).expect("few")));
        app.google.deliver(ADA, raw.as_bytes(), Deliver { internal_date, ..Deliver::default() }).expect("delivered");
    }
    app.google
        .deliver(
            ADA,
            b"From: a@x.example\r\nSubject: Else\r\nMessage-ID: <e@x.example>\r\n\r\nElse.\r\n",
            Deliver::default(),
        )
        .expect("delivered");
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    let batch = ada.import(&account, everything()).await;
    ada.finished(&batch).await;

    let thread = "id sourceId subject nInteractions firstAt lastAt account { id } participants { address }";
    let query = format!("{{ timeline {{ nodes {{ id subject occurredAt thread conversation {{ {thread} }} }} }} }}");
    let rows = ada.data(&query, json!({})).await["timeline"]["nodes"].as_array().expect("rows").clone();
    let plan: Vec<&Value> = rows.iter().filter(|row| row["subject"] != json!("Else")).collect();
    let found = &plan[0]["conversation"];
    assert!(plan.len() == 3 && plan.iter().all(|row| row["conversation"] == *found), "{rows:#?}");
    assert_eq!((&found["subject"], &found["nInteractions"]), (&json!("Re: The plan"), &json!(3)));
    assert_eq!((&found["lastAt"], &found["firstAt"]), (&plan[0]["occurredAt"], &plan[2]["occurredAt"]));
    assert_eq!((&found["sourceId"], &found["account"]["id"]), (&plan[0]["thread"], &json!(account)));
    let people: Vec<&Value> =
        found["participants"].as_array().expect("people").iter().map(|one| &one["address"]).collect();
    assert_eq!(people, [&json!("grace@navy.example"), &json!("linus@kernel.example")]);

    // Found by its id, with a timeline of its own that runs both ways, and by the filter that names it.
    let query = "query($id: ID!, $filter: TimelineFilter) { node(id: $id) { ... on Thread { id subject
        new: timeline(first: 2) { nodes { id } pageInfo { hasNextPage } } old: timeline(last: 2) { nodes { id } } } }
        timeline(filter: $filter) { nodes { id } } }";
    let told = ada.data(query, json!({ "id": found["id"], "filter": { "threadId": found["id"] } })).await;
    let ids = |nodes: &Value| nodes.as_array().expect("rows").iter().map(|row| row["id"].clone()).collect::<Vec<_>>();
    let all: Vec<Value> = plan.iter().map(|row| row["id"].clone()).collect();
    assert_eq!(ids(&told["timeline"]["nodes"]), all);
    assert_eq!(ids(&told["node"]["new"]["nodes"]), all[..2]);
    assert_eq!(ids(&told["node"]["old"]["nodes"]), all[1..]);
    assert_eq!(told["node"]["new"]["pageInfo"]["hasNextPage"], json!(true));
    // With another account, or another thread beside it, nothing is both.
    let other =
        ada.data(query, json!({ "id": found["id"], "filter": { "threadId": found["id"], "thread": "x" } })).await;
    assert_eq!(other["timeline"]["nodes"], json!([]));
    // When nothing of it is left, there is no such thread.
    ada.undo_whole(&batch).await;
    let gone = ada.data(query, json!({ "id": found["id"], "filter": {} })).await;
    assert_eq!(gone["node"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_can_be_read_from_its_end() {
    let app = TestApp::start().await;
    app.google.add_account(ADA, "Ada Brook").expect("an account");
    for n in 0..7 {
        let raw = format!("From: p{n}@x.example\r\nSubject: {n}\r\nMessage-ID: <m{n}@x.example>\r\n\r\nText.\r\n");
        app.google.deliver(ADA, raw.as_bytes(), Deliver::default()).expect("delivered");
    }
    let ada = app.person("ada");
    let account = ada.connect(ADA).await;
    ada.finished(&ada.import(&account, everything()).await).await;
    for _ in 0..4 {
        ada.finished(&ada.sync_now(&account).await).await;
    }
    let block = "mutation($input: BlockContactsInput!) { blockContacts(input: $input) { userErrors { code } } }";
    ada.data(
        block,
        json!({ "input": { "entries": ["a.example", "b.example", "c.example", "d.example", "e.example"] } }),
    )
    .await;
    for (field, node) in [
        ("timeline", "id"),
        ("batches", "id"),
        ("jobs", "id"),
        ("audit", "id"),
        ("items", "sourceId"),
        ("blocklist", "entry"),
    ] {
        let query = format!(
            "query($first: Int, $after: String, $last: Int, $before: String) {{
                {field}(first: $first, after: $after, last: $last, before: $before) {{
                    nodes {{ {node} }} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        let ask = async |variables: Value| ada.data(&query, variables).await[field].clone();
        let whole = ask(json!({ "first": 100 })).await["nodes"].as_array().expect("rows").clone();
        assert!(whole.len() >= 5, "{field}: {whole:#?}");
        let (mut read, mut before) = (Vec::new(), Value::Null);
        loop {
            let page = ask(json!({ "last": 2, "before": before })).await;
            let mut rows = page["nodes"].as_array().expect("rows").clone();
            rows.extend(read);
            read = rows;
            before = page["pageInfo"]["startCursor"].clone();
            if page["pageInfo"]["hasPreviousPage"] != json!(true) {
                break;
            }
        }
        assert_eq!(read, whole, "{field}");
        // Between two places, from either end.
        let ends = ask(json!({ "first": 1 })).await["pageInfo"]["endCursor"].clone();
        let last = ask(json!({ "last": 1 })).await["pageInfo"]["startCursor"].clone();
        for size in ["first", "last"] {
            let between = ask(json!({ size: 100, "after": ends, "before": last })).await;
            assert_eq!(between["nodes"].as_array().expect("rows")[..], whole[1..whole.len() - 1], "{field} {size}");
        }
    }
}

/// What people ask for, small and large: from a line of a menu to a page with all it leads to. Introspection is not among it: its
/// answer costs the same whoever asks, and its lists within lists are bounded apart.
const RECORDED: [&str; 30] = [
    "{ viewer { id } }",
    "{ viewer { id preferences { gmailQuery contactPolicy mailDaysBack } accounts { id email } } }",
    "{ viewer { accounts { id email state provider linkedAt services { service } streams { id name } } } }",
    "{ viewer { accounts { email quotas { service unitsPerMinute usedInMinute usedToday } } } }",
    "{ viewer { accounts { email nMails nMeetings } } }",
    "{ timeline(first: 10) { nodes { id } } }",
    "{ timeline(first: 25) { edges { cursor node { id kind subject snippet occurredAt } } pageInfo { hasNextPage endCursor } } }",
    "{ timeline(first: 25) { edges { cursor node { id kind subject snippet occurredAt participants { address name role } } } pageInfo { endCursor } } }",
    "{ timeline(first: 50) { nodes { id kind direction subject labels location endsAt allDay { first last } } } }",
    "{ timeline(first: 25, filter: { kind: EMAIL }) { nodes { id subject bodyText replyText attachments { id name mediaType sizeBytes } } } }",
    "{ timeline(first: 25, filter: { kind: EMAIL }) { nodes { id subject category listId sentAt sources { interactionId account { email } } } } }",
    "{ timeline(first: 25, filter: { kind: MEETING }) { nodes { id subject occurredAt endsAt status participants { address response isSelf } } } }",
    "{ timeline(first: 25, filter: { kind: MEETING }) { nodes { subject meeting { eventType conferenceUrl visibility invitations { id subject } } } } }",
    "{ timeline(first: 20, filter: { kind: EMAIL }) { nodes { invitation { method meeting { id subject occurredAt } } } } }",
    "{ timeline(last: 20) { nodes { id conversation { id subject nInteractions lastAt } } } }",
    "{ timeline(first: 10) { nodes { conversation { participants { address name contact { id name } } } } } }",
    "{ timeline(first: 20) { nodes { participants { address contact { id name nWrote nMet lastAt } } } } }",
    "{ timeline(first: 20) { nodes { account { id email state provider } } } }",
    "{ timeline(first: 10, search: \"invitation\") { edges { highlights { subject { text isMatch } } node { id subject } } } }",
    "{ batches(first: 10) { nodes { id state origin createdAt finishedAt counts { listed stored failed } account { email } } } }",
    "{ batches(first: 2) { nodes { id jobs { id kind state attempt } } } }",
    "{ items(first: 40) { edges { cursor node { sourceId outcome updatedAt reason } } pageInfo { endCursor hasNextPage } } }",
    "{ jobs(first: 10) { nodes { id kind state attempt runAt error errorClass } } }",
    "{ audit(first: 5) { nodes { id at action actor outcome client requestId } } }",
    "{ contacts(first: 25) { nodes { id name nWrote nWroteTo nMet lastAt } } }",
    "{ contacts(first: 25) { nodes { id name identities { address name } } } }",
    "{ contacts(first: 10) { nodes { id timeline(first: 2) { nodes { id subject occurredAt } } } } }",
    "{ contacts(last: 10) { edges { cursor node { id name } } pageInfo { hasPreviousPage startCursor } } }",
    "query Me { ...Me } fragment Me on Query { viewer { ...Who } } fragment Who on Viewer { id accounts { ...Account } } fragment Account on Account { id email state }",
    "{ viewer { accounts { id shortcomings { code message } breakers { scope } } } batches(first: 5) { nodes { id state } } }",
];

/// How many resolvers an answer took: one for each of its fields.
fn n_fields(answer: &Value) -> u64 {
    match answer {
        Value::Object(fields) => fields.values().map(|value| 1 + n_fields(value)).sum(),
        Value::Array(items) => items.iter().map(n_fields).sum(),
        _ => 0,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_document_is_said_to_cost_is_what_it_costs_within_a_factor_of_two() {
    let app = TestApp::start().await;
    let ada = app.person("someone who asks what things cost");
    crowded(&app, &ada, 40).await;
    ada.data("mutation { updatePreferences(input: { contactPolicy: ALL }) { userErrors { code } } }", json!({})).await;
    let mut wrong = Vec::new();
    for query in RECORDED {
        let (cost, data) = ada.cost_and_data(query).await;
        let n_fields = n_fields(&data);
        println!("{cost:>6} said, {n_fields:>6} counted: {query}");
        if cost > n_fields * 2 || n_fields > cost * 2 {
            wrong.push(format!("said to cost {cost}, costs {n_fields}: {query}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
