//! What the API gives away: every place that takes an id, asked with every id of someone else.

use serde_json::{Value, json};

use super::{Tenant, first, tables, two_people};
use crate::support::{Person, Place, Sdl, TestApp};

/// What no answer to another person may hold.
struct Secrets(Vec<String>);

impl Secrets {
    fn assert_kept(&self, answer: &Value, asked: &str, what: &str) {
        let text = answer.to_string();
        // What was asked may be repeated in a sentence; it is no news to whoever asked.
        let told: Vec<&String> = self.0.iter().filter(|secret| *secret != asked && text.contains(*secret)).collect();
        assert!(told.is_empty(), "{what} tells {told:?}: {answer:#}");
    }
}

/// Every id a person can see, with what it is of.
async fn ids(tenant: &Tenant) -> Vec<(&'static str, String)> {
    let query = "query($batch: ID!) {
        viewer { viewer: id accounts { streams { stream: id } } }
        node(id: $batch) { ... on Batch { jobs { job: id } } }
        timeline(first: 1) { nodes { interaction: id conversation { thread: id } } }
        contacts(first: 1) { nodes { contact: id } }
        audit(first: 50) { nodes { entry: id previewId } } }";
    let seen = tenant.person.data(query, json!({ "batch": tenant.batch })).await;
    let id = |key| first(&seen, key).unwrap_or_else(|| panic!("no {key}: {seen:#}")).to_owned();
    vec![
        ("viewer", id("viewer")),
        ("account", tenant.account.clone()),
        ("stream", id("stream")),
        ("preview", id("previewId")),
        ("batch", tenant.batch.clone()),
        ("job", id("job")),
        ("interaction", id("interaction")),
        ("thread", id("thread")),
        ("contact", id("contact")),
        ("audit entry", id("entry")),
    ]
}

/// Texts that name something of a person's without being ids.
async fn texts(tenant: &Tenant) -> Vec<String> {
    let query = "{ timeline(first: 1) { edges { cursor node { sourceId thread universalId } } }
        items(first: 1) { edges { timeline: cursor } } audit(first: 1) { edges { audit: cursor } }
        contacts(first: 1) { edges { cursor } } blocklist(first: 1) { edges { cursor } } }";
    let seen = tenant.person.data(query, json!({})).await;
    let mut all: Vec<String> =
        ["sourceId", "thread", "universalId"].iter().filter_map(|key| first(&seen, key).map(str::to_owned)).collect();
    for list in ["timeline", "items", "audit", "contacts", "blocklist"] {
        all.extend(first(&seen[list], "cursor").or(first(&seen[list], list)).map(str::to_owned));
        all.extend(first(&seen[list], "timeline").map(str::to_owned));
    }
    all.push(tenant.email.to_owned());
    all
}

/// Same kind, same form, nobody's.
fn unknown_like(id: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(id).expect("an id")).expect("text");
    let (kind, _) = text.split_once(':').expect("a kind");
    URL_SAFE_NO_PAD.encode(format!("{kind}:{}", "0192f000000070008000000000c0ffee"))
}

/// An answer without what differs from request to request.
async fn answer(person: &Person, place: &Place, text: &str) -> Value {
    let (document, variables) = (&place.operation.document, place.holding(text));
    let mut answer = if place.operation.root == "Subscription" {
        let mut events = person.subscribe(document, variables).await;
        events.recv().await.unwrap_or_default()
    } else {
        person.answer(document, variables).await
    };
    let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default();
    assert!(!code.starts_with("GRAPHQL") && !code.starts_with("DOCUMENT"), "{}: {answer:#}", place.name());
    if let Some(errors) = answer["errors"].as_array_mut() {
        errors.iter_mut().filter_map(|error| error["extensions"].as_object_mut()).for_each(|extensions| {
            extensions.remove("requestId");
        });
    }
    answer
}

/// All rows of everyone, as one number for each table.
async fn fingerprint(app: &TestApp) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for table in tables(app).await {
        let sql = format!("SELECT md5(coalesce(string_agg(t::text, '' ORDER BY t::text), '')) FROM {table} t");
        all.push((table, app.db.rows(&sql).await[0][0].clone()));
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_a_foreign_id_is_an_unknown_id_wherever_it_is_put() {
    let (app, ada, ben) = two_people().await;
    let ids = ids(&ada).await;
    let mut secrets: Vec<String> = ids.iter().map(|(_, id)| id.clone()).collect();
    secrets.extend([ada.word, ada.email].map(str::to_owned));
    let secrets = Secrets(secrets);
    let mut places = Sdl::read().places("ID");
    // Their owner takes away what the others ask about.
    places.sort_by_key(|place| place.operation.root == "Mutation");
    assert!(places.len() >= 10, "{:?}", places.iter().map(Place::name).collect::<Vec<_>>());

    let before = fingerprint(&app).await;
    for place in &places {
        for (kind, id) in &ids {
            let what = format!("{} with a foreign {kind}", place.name());
            let told = answer(&ben.person, place, id).await;
            secrets.assert_kept(&told, id, &what);
            assert_eq!(told, answer(&ben.person, place, &unknown_like(id)).await, "{what}: differs from an unknown id");
        }
    }
    assert_eq!(before, fingerprint(&app).await, "asking with foreign ids changed something");

    // Not in vain: to their owner, each place tells more about an id of its kind than about an unknown one.
    for place in &places {
        let mut is_known = false;
        for (_, id) in &ids {
            is_known |= answer(&ada.person, place, id).await != answer(&ada.person, place, &unknown_like(id)).await;
        }
        let (_, any) = &ids[0];
        assert!(
            is_known,
            "{} knows none of its owner's ids: {:#}",
            place.name(),
            answer(&ada.person, place, any).await
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_other_peoples_cursors_addresses_and_source_ids_lead_nowhere() {
    let (app, ada, ben) = two_people().await;
    let mut secrets: Vec<String> = ids(&ada).await.into_iter().map(|(_, id)| id).collect();
    secrets.extend([ada.word, ada.email].map(str::to_owned));
    let secrets = Secrets(secrets);
    let before = fingerprint(&app).await;
    let places: Vec<Place> =
        Sdl::read().places("String").into_iter().filter(|place| place.operation.root == "Query").collect();
    assert!(places.len() >= 8, "{:?}", places.iter().map(Place::name).collect::<Vec<_>>());
    for text in texts(&ada).await {
        for place in &places {
            let told = answer(&ben.person, place, &text).await;
            secrets.assert_kept(&told, &text, &format!("{} with {text}", place.name()));
        }
    }
    // What another has is no oracle either: the very keys and names Ada used are free for Ben.
    assert_eq!(before, fingerprint(&app).await);
}
