//! Contacts: who is one, what the person decides about them, and that both hold whatever comes in or is undone.

use std::collections::BTreeMap;

use chrono::{Duration, SubsecRound};
use omnisync::{
    domain::ids::UserId,
    sandbox::{Alias, Deliver, Generate},
};
use serde_json::{Value, json};

use crate::{
    flow::{ADA, everything},
    reproject::{reproject, reprojected},
    support::{FINISHED, Person, Settings, TestApp, TestDatabase, statements_of, uuid_of, watch_statements},
};

/// Ada with a mailbox to be filled.
struct Desk {
    app: TestApp,
    ada: Person,
    account: String,
}

impl Desk {
    async fn open() -> Self {
        Self::open_for("ada").await
    }

    async fn open_for(name: &str) -> Self {
        let app = TestApp::start_with(Settings::new()).await;
        app.google.add_account(ADA, "Ada Brook").expect("an account");
        let ada = app.person(name);
        let account = ada.connect(ADA).await;
        Self { app, ada, account }
    }

    fn mail(&self, labels: &[&str], headers: &str) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        let raw = format!("{}\r\n\r\nHello\r\n", headers.replace('\n', "\r\n"));
        self.app.google.deliver(ADA, raw.as_bytes(), Deliver { labels, ..Deliver::default() }).expect("delivered");
    }

    /// A mail to Ada.
    fn from(&self, from: &str) {
        self.mail(&["INBOX"], &format!("From: {from}\nTo: {ADA}\nSubject: From {from}"));
    }

    /// A mail by Ada.
    fn to(&self, to: &str) {
        self.mail(&["SENT"], &format!("From: Ada <{ADA}>\nTo: {to}\nSubject: To {to}"));
    }

    fn meeting(&self, with: &str) {
        let start = self.app.clock.now().trunc_subsecs(0) + Duration::days(1);
        let event = json!({
            "summary": "Tea", "start": { "dateTime": start.to_rfc3339() }, "end": { "dateTime": (start + Duration::hours(1)).to_rfc3339() },
            "organizer": { "email": with, "displayName": "The host" },
            "attendees": [
                { "email": with, "organizer": true, "responseStatus": "accepted" },
                { "email": ADA, "self": true, "responseStatus": "accepted" },
            ],
        });
        self.app.google.put_event(ADA, "primary", event).expect("made");
    }

    /// Brings everything in; gives the batch.
    async fn import(&self) -> String {
        let batch = self.ada.import(&self.account, everything()).await;
        assert_eq!(self.ada.finished(&batch).await["state"], json!("SUCCEEDED"));
        batch
    }

    async fn sync(&self) -> String {
        let batch = self.ada.sync_now(&self.account).await;
        assert_eq!(self.ada.finished(&batch).await["state"], json!("SUCCEEDED"));
        batch
    }

    async fn policy(&self, policy: &str) {
        let query = "mutation($input: UpdatePreferencesInput!) { updatePreferences(input: $input) {
            preferences { contactPolicy } userErrors { code } } }";
        let saved = self.ada.data(query, json!({ "input": { "contactPolicy": policy } })).await;
        assert_eq!(saved["updatePreferences"]["preferences"]["contactPolicy"], json!(policy));
    }

    async fn contacts(&self) -> Vec<Value> {
        contacts(&self.ada, Value::Null).await
    }

    /// The addresses of every contact, one text each, sorted.
    async fn addresses(&self) -> Vec<String> {
        let mut all: Vec<String> = self.contacts().await.iter().map(addresses).collect();
        all.sort_unstable();
        all
    }

    /// The contact that has an address.
    async fn contact(&self, address: &str) -> Value {
        let all = self.contacts().await;
        let found = all.iter().find(|one| addresses(one).split(' ').any(|own| own == address));
        found.unwrap_or_else(|| panic!("{address} is nobody's: {all:#?}")).clone()
    }

    async fn id(&self, address: &str) -> String {
        self.contact(address).await["id"].as_str().expect("an id").to_owned()
    }

    async fn verb(&self, name: &str, input: Value) -> Value {
        let upper = format!("{}{}", name[..1].to_uppercase(), &name[1..]);
        let shown = match name {
            "mergeContacts" | "renameContact" => "contact { id name identities { address } }",
            "splitContact" => "contact { id identities { address } } split { id identities { address } }",
            "dismissContactSuggestion" => "",
            _ => "entries",
        };
        let upper = upper.replace("Unblock", "Block");
        let query = format!(
            "mutation($input: {upper}Input!) {{ {name}(input: $input) {{ {shown} userErrors {{ code field message }} }} }}"
        );
        self.ada.data(&query, json!({ "input": input })).await[name].clone()
    }

    async fn done(&self, name: &str, input: Value) -> Value {
        let payload = self.verb(name, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{name}: {payload:#}");
        payload
    }

    async fn suggestions(&self) -> Vec<(Vec<String>, Vec<String>)> {
        let query = "{ contactSuggestions { contacts { identities { address } } evidence { kind addresses } } }";
        let found = self.ada.data(query, json!({})).await["contactSuggestions"].clone();
        let suggestion = |one: &Value| {
            let mut who: Vec<String> = one["contacts"].as_array().expect("two").iter().map(addresses).collect();
            who.sort_unstable();
            let kind = |fact: &Value| fact["kind"].as_str().expect("a kind").to_owned();
            (who, one["evidence"].as_array().expect("facts").iter().map(kind).collect())
        };
        found.as_array().expect("a list").iter().map(suggestion).collect()
    }
}

/// Every contact, those met last first, page by page.
async fn contacts(person: &Person, search: Value) -> Vec<Value> {
    let query = "query($after: String, $search: String) { contacts(first: 2, after: $after, search: $search) {
        nodes { id name nWroteTo nWrote nMet firstAt lastAt identities { address name firstAt lastAt } }
        pageInfo { hasNextPage endCursor } } }";
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let page = person.data(query, json!({ "after": after, "search": search })).await["contacts"].clone();
        all.extend(page["nodes"].as_array().expect("rows").iter().cloned());
        if page["pageInfo"]["hasNextPage"] != json!(true) {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

/// A contact's addresses, sorted, as one text.
fn addresses(contact: &Value) -> String {
    let mut all: Vec<&str> = contact["identities"]
        .as_array()
        .expect("some")
        .iter()
        .map(|one| one["address"].as_str().expect("text"))
        .collect();
    all.sort_unstable();
    all.join(" ")
}

/// What differs between identities and contacts and what a recount of the interactions gives.
const MISCOUNTED: &str = "
    WITH facts AS (
        SELECT user_id, address, count(*) FILTER (WHERE relation = 'wrote_to') AS wrote_to,
            count(*) FILTER (WHERE relation = 'wrote') AS wrote, count(*) FILTER (WHERE relation = 'met') AS met,
            min(occurred_at) AS first_at, max(occurred_at) AS last_at
        FROM interaction_people GROUP BY user_id, address
    ), counted AS (
        SELECT user_id, address, wrote_to, wrote, met, first_at, last_at FROM facts WHERE wrote_to + wrote + met > 0
        UNION
        SELECT i.user_id, i.address, coalesce(f.wrote_to, 0), coalesce(f.wrote, 0), coalesce(f.met, 0), f.first_at, f.last_at
        FROM identities i LEFT JOIN facts f USING (user_id, address) WHERE i.decided_at IS NOT NULL
    ), kept AS (
        SELECT user_id, address, n_wrote_to, n_wrote, n_met, first_at, last_at FROM identities
    ), sums AS (
        SELECT user_id, contact_id, sum(n_wrote_to), sum(n_wrote), sum(n_met), min(first_at), max(last_at)
        FROM identities WHERE NOT is_hidden GROUP BY user_id, contact_id HAVING max(last_at) IS NOT NULL
    ), shown AS (
        SELECT user_id, contact_id, n_wrote_to, n_wrote, n_met, first_at, last_at FROM contacts
    )
    SELECT user_id, 'identity missing' AS what, c::text AS which FROM (SELECT * FROM counted EXCEPT SELECT * FROM kept) c
    UNION ALL SELECT user_id, 'identity too much', c::text FROM (SELECT * FROM kept EXCEPT SELECT * FROM counted) c
    UNION ALL SELECT user_id, 'contact missing', c::text FROM (SELECT * FROM sums EXCEPT SELECT * FROM shown) c
    UNION ALL SELECT user_id, 'contact too much', c::text FROM (SELECT * FROM shown EXCEPT SELECT * FROM sums) c
    UNION ALL SELECT user_id, 'blocked and shown', i::text FROM identities i
        WHERE NOT is_hidden AND EXISTS (SELECT FROM blocklist b WHERE b.user_id = i.user_id AND b.entry = ANY (i.names))
    UNION ALL SELECT user_id, 'nobody''s interaction', p::text FROM interaction_people p LEFT JOIN interactions i USING (user_id, interaction_id)
        WHERE i.occurred_at IS DISTINCT FROM p.occurred_at";

/// What is counted wrongly, of one person or of everyone.
pub(crate) async fn miscounted(db: &TestDatabase, user: Option<UserId>) -> Vec<Vec<String>> {
    let whose = user.map_or("true".to_owned(), |user| format!("user_id = '{user}'"));
    db.rows(&format!("SELECT what, which FROM ({MISCOUNTED}) AS faults WHERE {whose}")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_a_contact_the_policy_says_and_programs_are_none() {
    let desk = Desk::open().await;
    desk.to("Grace Hopper <grace@navy.example>");
    desk.to("no-reply@shop.example");
    desk.from("Linus <linus@kernel.example>");
    desk.from("Shop <noreply@shop.example>");
    desk.mail(
        &["INBOX"],
        &format!(
            "From: News <news@daily.example>\nTo: {ADA}\nList-Unsubscribe: <https://daily.example/u>\nSubject: News"
        ),
    );
    desk.mail(
        &["INBOX"],
        &format!("From: Linus <linus@kernel.example>\nTo: {ADA}\nCc: Dennis <dennis@labs.example>\nSubject: Copied"),
    );
    desk.mail(&["SPAM"], &format!("From: Mallory <mallory@evil.example>\nTo: {ADA}\nSubject: Money"));
    desk.meeting("margaret@apollo.example");
    desk.import().await;
    assert_eq!(desk.addresses().await, ["grace@navy.example"]);
    desk.policy("ALL").await;
    assert_eq!(desk.addresses().await, ["grace@navy.example", "linus@kernel.example", "margaret@apollo.example"]);
    let counts = |one: Value| [&one["nWroteTo"], &one["nWrote"], &one["nMet"]].map(|n| n.as_i64().expect("a number"));
    assert_eq!(counts(desk.contact("grace@navy.example").await), [1, 0, 0]);
    assert_eq!(counts(desk.contact("linus@kernel.example").await), [0, 2, 0]);
    assert_eq!(counts(desk.contact("margaret@apollo.example").await), [0, 0, 1]);
    assert_eq!(desk.contact("grace@navy.example").await["name"], json!("Grace Hopper"));
    desk.policy("NONE").await;
    assert_eq!(desk.addresses().await, [""; 0]);
    assert_eq!(miscounted(&desk.app.db, None).await, Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn participants_know_their_contact_and_a_page_of_them_costs_the_same_however_many() {
    watch_statements();
    // Tests that run beside this one have people of other names.
    let desk = Desk::open_for("someone who is counted").await;
    for n in 0..40 {
        desk.to(&format!("p{n}@navy.example, q{n}@navy.example"));
    }
    desk.import().await;
    let user = uuid_of(desk.ada.data("{ viewer { id } }", json!({})).await["viewer"]["id"].as_str().expect("an id"));
    let user = uuid::Uuid::try_parse(&user).expect("a UUID").to_string();
    let query = "query($first: Int) { timeline(first: $first) { nodes { participants { address isSelf contact {
        id identities { address } } } } } }";
    let mut counts = Vec::new();
    for first in [1, 40] {
        let (n, page) = statements_of(&user, desk.ada.data(query, json!({ "first": first }))).await;
        let rows = page["timeline"]["nodes"].as_array().expect("rows");
        assert_eq!(rows.len(), first);
        for one in rows.iter().flat_map(|row| row["participants"].as_array().expect("people")) {
            let is_known = one["contact"]["identities"][0]["address"] == one["address"];
            assert_eq!(is_known, one["isSelf"] == json!(false), "{one:#}");
        }
        counts.push(n);
    }
    assert!(counts[0] > 0 && counts[0] == counts[1], "{counts:?} statements");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_mailbox_is_one_contact_however_it_is_written() {
    let desk = Desk::open().await;
    desk.to("grace.hopper@gmail.com");
    desk.to("GraceHopper+navy@googlemail.com");
    desk.to("linus+work@kernel.example");
    desk.import().await;
    assert_eq!(desk.addresses().await, ["gracehopper@gmail.com", "linus@kernel.example"]);
    let grace = desk.contact("gracehopper@gmail.com").await;
    assert_eq!(grace["nWroteTo"], json!(2));
    for filter in [json!({ "participant": "g.race.hopper@gmail.com" }), json!({ "contactId": grace["id"] })] {
        assert_eq!(desk.ada.timeline(filter).await.len(), 2);
    }
    let both = json!({ "participant": "linus@kernel.example", "contactId": grace["id"] });
    assert_eq!(desk.ada.timeline(both).await.len(), 0);
    for (search, n) in [("hop", 0), ("grace", 1), ("LINUS@", 1), ("%", 0), ("kernel", 0), (" ", 2)] {
        assert_eq!(contacts(&desk.ada, json!(search)).await.len(), n, "{search}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_blocklist_takes_people_of_the_past_and_of_the_future_away_and_leaves_their_mail() {
    let desk = Desk::open().await;
    desk.to("grace@navy.example");
    desk.to("linus@mail.kernel.example");
    desk.import().await;
    let before = desk.contacts().await;
    let blocked = desk.done("blockContacts", json!({ "entries": ["@Kernel.example", "Grace+x@navy.example"] })).await;
    assert_eq!(blocked["entries"], json!(["grace@navy.example", "kernel.example"]));
    assert_eq!(desk.addresses().await, [""; 0]);
    desk.to("dennis@kernel.example");
    desk.to("grace@navy.example");
    desk.to("dennis@kernels.example");
    desk.sync().await;
    assert_eq!(desk.addresses().await, ["dennis@kernels.example"]);
    assert_eq!(desk.ada.timeline(json!({})).await.len(), 5);
    let query = "{ blocklist(first: 1) { nodes { entry } pageInfo { hasNextPage endCursor } } }";
    let page = desk.ada.data(query, json!({})).await["blocklist"].clone();
    assert_eq!(
        (&page["nodes"][0]["entry"], &page["pageInfo"]["hasNextPage"]),
        (&json!("grace@navy.example"), &json!(true))
    );
    let query = "query($after: String) { blocklist(after: $after) { nodes { entry } pageInfo { hasNextPage } } }";
    let page = desk.ada.data(query, json!({ "after": page["pageInfo"]["endCursor"] })).await["blocklist"].clone();
    assert_eq!(page, json!({ "nodes": [{ "entry": "kernel.example" }], "pageInfo": { "hasNextPage": false } }));
    desk.done("unblockContacts", json!({ "entries": ["kernel.example"] })).await;
    let expected = ["dennis@kernel.example", "dennis@kernels.example", "linus@mail.kernel.example"];
    assert_eq!(desk.addresses().await, expected);
    desk.done("unblockContacts", json!({ "entries": ["grace@navy.example"] })).await;
    let grace = before.iter().find(|one| addresses(one) == "grace@navy.example").expect("she was there");
    assert_eq!(json!(desk.id("grace@navy.example").await), grace["id"]);
    assert_eq!(miscounted(&desk.app.db, None).await, Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_decides_outlives_reprojections_syncs_and_undos() {
    let desk = Desk::open().await;
    for address in ["grace@navy.example", "grace@home.example", "hopper@yale.example"] {
        desk.to(address);
    }
    desk.import().await;
    let [navy, home, yale] = [
        desk.id("grace@navy.example").await,
        desk.id("grace@home.example").await,
        desk.id("hopper@yale.example").await,
    ];
    let merge = json!({ "contactIds": [navy, home, yale] });
    let merged = desk.done("mergeContacts", merge.clone()).await["contact"].clone();
    assert_eq!(merged["id"], json!(navy));
    assert_eq!(desk.done("mergeContacts", merge).await["contact"], merged, "said twice");
    desk.done("renameContact", json!({ "contactId": navy, "name": " Amazing Grace " })).await;
    let all = "grace@home.example grace@navy.example hopper@yale.example";
    assert_eq!(desk.addresses().await, [all]);

    // What comes from any of them is theirs, and a rebuilt timeline changes nothing.
    desk.from("Someone <grace@home.example>");
    let later = desk.sync().await;
    let before = desk.contacts().await;
    assert_eq!(
        (&before[0]["name"], &before[0]["nWroteTo"], &before[0]["nWrote"]),
        (&json!("Amazing Grace"), &json!(3), &json!(1))
    );
    reproject(&desk.app, &["--all"]);
    assert_eq!(desk.contacts().await, before);

    let split = json!({ "contactId": navy, "addresses": ["Hopper@yale.example"] });
    let parted = desk.done("splitContact", split.clone()).await;
    assert_eq!(parted["split"]["id"], json!(yale), "it is what it was before");
    assert_eq!(desk.done("splitContact", split).await, parted, "said twice");
    let parted = desk.done("splitContact", json!({ "contactId": navy, "addresses": ["grace@navy.example"] })).await;
    let apart = parted["split"]["id"].as_str().expect("an id").to_owned();
    assert_ne!(apart, navy, "the rest keeps the id");
    let three = ["grace@home.example", "grace@navy.example", "hopper@yale.example"];
    assert_eq!(desk.addresses().await, three);
    reproject(&desk.app, &["--all"]);
    assert_eq!(desk.addresses().await, three);
    desk.done("mergeContacts", json!({ "contactIds": [navy, apart] })).await;

    // An undo takes away what it must, and a decision waits for those it is about.
    desk.ada.undo_whole(&later).await;
    assert_eq!(desk.contact("grace@home.example").await["nWrote"], json!(0));
    let first =
        desk.ada.data("{ batches(first: 10) { nodes { id origin } } }", json!({})).await["batches"]["nodes"].clone();
    let first =
        first.as_array().expect("batches").iter().find(|one| one["origin"] == json!("APPROVE")).expect("one")["id"]
            .clone();
    let first = first.as_str().expect("an id");
    desk.ada.undo_whole(first).await;
    assert_eq!(desk.addresses().await, [""; 0]);
    desk.ada.redo_whole(first).await;
    assert_eq!(desk.addresses().await, ["grace@home.example grace@navy.example", "hopper@yale.example"]);
    assert_eq!(desk.id("grace@home.example").await, navy);
    assert_eq!(miscounted(&desk.app.db, None).await, Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_undo_takes_its_contacts_with_it_and_a_redo_brings_the_same_ones_back() {
    let desk = Desk::open().await;
    desk.to("grace@navy.example");
    desk.import().await;
    desk.to("linus@kernel.example");
    desk.to("grace@navy.example");
    let later = desk.sync().await;
    let before = desk.contacts().await;
    assert_eq!(desk.addresses().await, ["grace@navy.example", "linus@kernel.example"]);
    desk.ada.undo_whole(&later).await;
    assert_eq!(desk.addresses().await, ["grace@navy.example"]);
    assert_eq!(desk.contact("grace@navy.example").await["nWroteTo"], json!(1));
    assert_eq!(desk.app.db.number_of("SELECT count(*) FROM identities").await, 1);
    desk.ada.redo_whole(&later).await;
    assert_eq!(desk.contacts().await, before);
    assert_eq!(miscounted(&desk.app.db, None).await, Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_while_mail_and_meetings_come_in_holds_for_them() {
    let desk = Desk::open().await;
    let generate = Generate { messages: 250, events: 40, months: 3, ..Generate::usual(desk.app.clock.now()) };
    desk.app.google.generate(ADA, &generate).expect("a mailbox");
    desk.policy("ALL").await;
    let batch = desk.ada.import(&desk.account, everything()).await;
    let kestrel = json!({ "entries": ["kestrel.example"] });
    loop {
        desk.done("blockContacts", kestrel.clone()).await;
        if FINISHED.contains(&desk.ada.batch(&batch).await["state"].as_str().expect("a state")) {
            break;
        }
        desk.done("unblockContacts", kestrel.clone()).await;
        if let [one, other, ..] = &desk.contacts().await[..] {
            desk.done("mergeContacts", json!({ "contactIds": [one["id"], other["id"]] })).await;
            let theirs = one["identities"][0]["address"].clone();
            desk.done("splitContact", json!({ "contactId": one["id"], "addresses": [theirs] })).await;
        }
    }
    assert!(!desk.addresses().await.iter().any(|one| one.contains("kestrel.example")));
    desk.done("unblockContacts", kestrel).await;
    assert!(desk.addresses().await.iter().any(|one| one.contains("kestrel.example")), "there was someone to block");
    assert_eq!(miscounted(&desk.app.db, None).await, Vec::<Vec<String>>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_timeline_of_a_contact_is_the_timeline_filtered_by_them_in_pages_of_any_size() {
    let desk = Desk::open().await;
    for n in 0..12 {
        let who = if n % 3 == 0 { "grace@navy.example" } else { "grace@home.example" };
        if n % 2 == 0 { desk.to(&format!("{who}, linus@kernel.example")) } else { desk.from(who) }
    }
    desk.meeting("grace@navy.example");
    desk.from("linus@kernel.example");
    desk.import().await;
    desk.policy("ALL").await;
    let ids = [desk.id("grace@navy.example").await, desk.id("grace@home.example").await];
    desk.done("mergeContacts", json!({ "contactIds": ids })).await;
    let ids_of =
        |rows: &[Value]| rows.iter().map(|row| row["id"].as_str().expect("an id").to_owned()).collect::<Vec<_>>();
    let is_hers = |row: &&Value| row["participants"].to_string().contains("\"grace@");
    let expected: Vec<Value> = desk.ada.timeline(json!({})).await.iter().filter(is_hers).cloned().collect();
    assert_eq!(expected.len(), 13);
    assert_eq!(desk.ada.timeline(json!({ "contactId": ids[0] })).await, expected);
    let sent: Vec<Value> =
        expected.iter().filter(|row| row["kind"] == "EMAIL" && row["direction"] == "SENT").cloned().collect();
    assert_eq!(desk.ada.timeline(json!({ "contactId": ids[0], "kind": "EMAIL", "direction": "SENT" })).await, sent);

    let query = "query($id: ID!, $first: Int, $after: String, $last: Int, $before: String) { node(id: $id) { ... on Contact {
        timeline(first: $first, after: $after, last: $last, before: $before) { nodes { id } pageInfo { startCursor endCursor
            hasNextPage hasPreviousPage } } } } }";
    for size in [1, 4, 100] {
        let (mut forward, mut after) = (Vec::new(), Value::Null);
        loop {
            let page =
                desk.ada.data(query, json!({ "id": ids[0], "first": size, "after": after })).await["node"]["timeline"]
                    .clone();
            forward.extend(ids_of(page["nodes"].as_array().expect("rows")));
            if page["pageInfo"]["hasNextPage"] == json!(false) {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        assert_eq!(forward, ids_of(&expected), "pages of {size}");
        let (mut backward, mut before) = (Vec::new(), Value::Null);
        loop {
            let page =
                desk.ada.data(query, json!({ "id": ids[0], "last": size, "before": before })).await["node"]["timeline"]
                    .clone();
            backward.splice(0..0, ids_of(page["nodes"].as_array().expect("rows")));
            if page["pageInfo"]["hasPreviousPage"] == json!(false) {
                break;
            }
            before = page["pageInfo"]["startCursor"].clone();
        }
        assert_eq!(backward, ids_of(&expected), "pages of {size}, backward");
    }
    // Of half the time, and of a time in which there is nothing of a kind.
    let (from, to) = (&expected[8]["occurredAt"], &expected[3]["occurredAt"]);
    let between = desk.ada.timeline(json!({ "contactId": ids[0], "from": from, "to": to })).await;
    let is_between = |row: &&Value| {
        let at = |value: &Value| chrono::DateTime::parse_from_rfc3339(value.as_str().expect("text")).expect("a time");
        (at(from)..at(to)).contains(&at(&row["occurredAt"]))
    };
    assert_eq!(between, expected.iter().filter(is_between).cloned().collect::<Vec<_>>());
    let none = json!({ "contactId": ids[0], "kind": "MEETING", "to": expected[12]["occurredAt"] });
    assert_eq!(desk.ada.timeline(none).await, [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_are_suggested_by_more_than_a_name_until_the_person_has_decided() {
    let desk = Desk::open().await;
    desk.to("Grace Hopper <grace.hopper@navy.example>");
    desk.to("\"Hopper, Grace\" <grace.hopper@home.example>");
    desk.to("John Smith <john@one.example>");
    desk.to("John Smith <jsmith@two.example>");
    desk.to("Ann Lee <ann@lee.example>");
    desk.to("Ann Lee <office@lees.example>");
    desk.mail(
        &["INBOX"],
        &format!("From: Ann Lee <ann@lee.example>\nReply-To: office@lees.example\nTo: {ADA}\nSubject: Hi"),
    );
    let talk = |from: &str, to: &str, id: &str, answers: &str| {
        let answers = if answers.is_empty() {
            String::new()
        } else {
            format!("\nIn-Reply-To: <{answers}@x.example>\nReferences: <{answers}@x.example>")
        };
        format!("From: {from}\nTo: {to}\nSubject: Re: Engines\nMessage-ID: <{id}@x.example>{answers}")
    };
    desk.mail(&["INBOX"], &talk("Alan Kay <alan@parc.example>", ADA, "one", ""));
    desk.mail(&["SENT"], &talk(ADA, "Alan Kay <kay@disney.example>", "two", "one"));
    desk.import().await;
    desk.policy("ALL").await;
    let grace = vec!["grace.hopper@home.example".to_owned(), "grace.hopper@navy.example".to_owned()];
    let mut expected = BTreeMap::from([
        (grace.clone(), vec!["SAME_NAME".to_owned(), "SAME_LOCAL_PART".to_owned()]),
        (
            vec!["ann@lee.example".to_owned(), "office@lees.example".to_owned()],
            vec!["SAME_NAME".to_owned(), "REPLY_TO".to_owned()],
        ),
        (
            vec!["alan@parc.example".to_owned(), "kay@disney.example".to_owned()],
            vec!["SAME_NAME".to_owned(), "SAME_CONVERSATION".to_owned()],
        ),
    ]);
    assert_eq!(desk.suggestions().await.into_iter().collect::<BTreeMap<_, _>>(), expected);
    let [one, other] = [desk.id("ann@lee.example").await, desk.id("office@lees.example").await];
    for _ in 0..2 {
        desk.done("dismissContactSuggestion", json!({ "contactIds": [one, other] })).await;
    }
    let [navy, home] = [desk.id(&grace[1]).await, desk.id(&grace[0]).await];
    desk.done("mergeContacts", json!({ "contactIds": [navy, home] })).await;
    expected.retain(|who, _| who[0].starts_with("alan"));
    assert_eq!(desk.suggestions().await.into_iter().collect::<BTreeMap<_, _>>(), expected);
    // Whoever was taken apart is not suggested again.
    desk.done("splitContact", json!({ "contactId": navy, "addresses": [grace[0]] })).await;
    assert_eq!(desk.suggestions().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_persons_own_addresses_are_no_contacts_even_when_they_are_linked_later() {
    let desk = Desk::open().await;
    desk.to("Me <ada@home.example>");
    desk.to("grace@navy.example");
    desk.import().await;
    assert_eq!(desk.addresses().await, ["ada@home.example", "grace@navy.example"]);
    desk.app.google.add_account("ada@home.example", "Ada Brook").expect("an account");
    desk.ada.connect("ada@home.example").await;
    assert_eq!(desk.addresses().await, ["grace@navy.example"]);
    desk.to("Me <ada+x@home.example>");
    desk.sync().await;
    assert_eq!(desk.addresses().await, ["grace@navy.example"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_gmail_says_are_the_persons_addresses_are_theirs_also_in_what_came_in_before() {
    let desk = Desk::open().await;
    let mail = |from: &str, to: &str, subject: &str| {
        desk.mail(&["INBOX"], &format!("From: {from}\nTo: {to}\nSubject: {subject}"));
    };
    mail("countess@lovelace.example", "grace@navy.example", "By her");
    mail("boss@firm.example", "grace@navy.example", "In his name");
    desk.to("Me <countess@lovelace.example>");
    desk.to("linus@kernel.example");
    desk.import().await;
    assert_eq!(desk.addresses().await, ["countess@lovelace.example", "linus@kernel.example"]);

    for (address, is_treated_as_alias) in [("Countess@lovelace.example", true), ("boss@firm.example", false)] {
        let alias = Alias { address: address.to_owned(), is_verified: true, is_treated_as_alias };
        desk.app.google.add_alias(ADA, alias).expect("added");
    }
    desk.sync().await;
    reprojected(&desk.app).await;
    assert_eq!(desk.addresses().await, ["grace@navy.example", "linus@kernel.example"]);
    let account = desk.ada.data("{ viewer { accounts { email addresses } } }", json!({})).await;
    let account = account["viewer"]["accounts"][0].clone();
    assert_eq!(account, json!({ "email": ADA, "addresses": [ADA, "countess@lovelace.example"] }));
    let rows = desk.ada.timeline(json!({})).await;
    let direction =
        |subject: &str| rows.iter().find(|row| row["subject"] == *subject).expect("it is there")["direction"].clone();
    assert_eq!([direction("By her"), direction("In his name")], [json!("SENT"), json!("RECEIVED")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decided_is_refused_with_a_reason_and_changes_nothing() {
    let desk = Desk::open().await;
    desk.to("grace@navy.example");
    desk.to("linus@kernel.example");
    desk.import().await;
    let [grace, linus] = [desk.id("grace@navy.example").await, desk.id("linus@kernel.example").await];
    let before = desk.contacts().await;
    let many: Vec<String> = (0..101).map(|n| format!("d{n}.example")).collect();
    for (verb, input, code, field) in [
        ("mergeContacts", json!({ "contactIds": [] }), "NOT_FOUND", "contactIds"),
        ("mergeContacts", json!({ "contactIds": [grace] }), "INVALID_INPUT", "contactIds"),
        ("mergeContacts", json!({ "contactIds": [grace, grace] }), "INVALID_INPUT", "contactIds"),
        ("mergeContacts", json!({ "contactIds": [grace, desk.account] }), "NOT_FOUND", "contactIds"),
        ("splitContact", json!({ "contactId": desk.account, "addresses": ["x@y.example"] }), "NOT_FOUND", "contactId"),
        ("splitContact", json!({ "contactId": grace, "addresses": [] }), "INVALID_INPUT", "addresses"),
        (
            "splitContact",
            json!({ "contactId": grace, "addresses": ["grace@navy.example"] }),
            "INVALID_INPUT",
            "addresses",
        ),
        (
            "splitContact",
            json!({ "contactId": grace, "addresses": ["linus@kernel.example"] }),
            "INVALID_INPUT",
            "addresses",
        ),
        ("splitContact", json!({ "contactId": grace, "addresses": ["\0"] }), "INVALID_INPUT", "addresses"),
        ("renameContact", json!({ "contactId": grace, "name": "a\nb" }), "INVALID_INPUT", "name"),
        ("renameContact", json!({ "contactId": grace, "name": "x".repeat(256) }), "INVALID_INPUT", "name"),
        ("renameContact", json!({ "contactId": "x" }), "NOT_FOUND", "contactId"),
        ("dismissContactSuggestion", json!({ "contactIds": [linus] }), "INVALID_INPUT", "contactIds"),
        ("dismissContactSuggestion", json!({ "contactIds": [] }), "NOT_FOUND", "contactIds"),
        ("blockContacts", json!({ "entries": [] }), "INVALID_INPUT", "entries"),
        ("blockContacts", json!({ "entries": many }), "INVALID_INPUT", "entries"),
        ("blockContacts", json!({ "entries": ["navy.example", "nothing"] }), "INVALID_INPUT", "entries"),
        ("unblockContacts", json!({ "entries": ["a b@c.example"] }), "INVALID_INPUT", "entries"),
    ] {
        let payload = desk.verb(verb, input.clone()).await;
        let error = &payload["userErrors"][0];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{verb} {input}: {payload:#}");
    }
    assert_eq!(desk.contacts().await, before);
    let audited = desk
        .app
        .db
        .number_of("SELECT count(*) FROM sync_audit WHERE action LIKE '%contact%' OR action LIKE '%block'")
        .await;
    assert_eq!(audited, 0);
    for query in [
        "{ contacts(search: \"\\u0000\") { nodes { id } } }",
        "{ contactSuggestions(first: 0) { contacts { id } } }",
        "{ blocklist(after: \"*\") { nodes { entry } } }",
    ] {
        let answer = desk.ada.answer(query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], json!("BAD_USER_INPUT"), "{query}: {answer:#}");
    }
}
