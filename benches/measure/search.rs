//! How long a search takes on a long timeline: `script/bench search`.
//!
//! One person has as many interactions as asked for, a fifth as many belong to fifty others. Their words are drawn so that the
//! frequency of a word falls with its number, as in a language: about one word in eleven of a text is among the first three, one in a
//! thousand of texts holds word 40,000. Each search is asked through HTTP as a page of 25 with what matches marked, and each kind by
//! time and by relevance. The first round fills caches and does not count.

use std::time::Instant;

use anyhow::ensure;
use omnisync::domain::ids::UserId;
use serde_json::json;
use tokio_postgres::Client;

use super::stage::{self, ISSUER, percentile};

/// Interactions of the person who searches.
pub(crate) const ROWS: usize = 1_000_000;
/// Words of a text.
const WORDS: usize = 80;
const ROUNDS: usize = 5;

const PAGE: &str =
    "query($search: String!, $order: TimelineOrder!) { timeline(first: 25, search: $search, order: $order) {
    edges { node { id subject occurredAt snippet } highlights { subject { text isMatch } text { text isMatch } } } } }";

/// Kinds of searches, and a few of each.
const SEARCHES: [(&str, &[&str]); 6] = [
    ("in most", &["w1", "w2", "w3"]),
    ("in one of 20", &["w150", "w180", "w200"]),
    ("in one of 100", &["w700", "w800", "w900"]),
    ("in one of 1,000", &["w7000", "w8000", "w9000"]),
    ("two words", &["w200 w300", "w1 w9000", "w700 w20"]),
    ("phrase, without", &["\"w1 w2\"", "w700 -w1", "w30000"]),
];

pub(crate) async fn measure(rows: usize) -> anyhow::Result<()> {
    stage::play(200, &[], async |stage| {
        stage.person.import().await?;
        fill(&stage.owner().await?, rows).await?;
        println!(
            "{:<16} {:<10} {:>6} {:>10} {:>10} {:>10}",
            "searched", "order", "rows", "median ms", "p95 ms", "worst ms"
        );
        let mut all = Vec::new();
        for (kind, searches) in SEARCHES {
            for order in ["NEWEST", "RELEVANCE"] {
                let mut times = Vec::new();
                let mut found = 0;
                for round in 0..=ROUNDS {
                    for search in searches {
                        let begun = Instant::now();
                        let page = stage.person.ask(PAGE, json!({ "search": search, "order": order })).await?;
                        let took = begun.elapsed().as_secs_f64() * 1_000.0;
                        found = page["timeline"]["edges"].as_array().map_or(0, Vec::len);
                        if round > 0 {
                            times.push(took);
                        }
                    }
                }
                println!("{kind:<16} {order:<10} {found:>6} {}", figures(&mut times));
                all.extend(times);
            }
        }
        println!("{:<16} {:<10} {:>6} {}", "all", "", "", figures(&mut all));
        Ok(())
    })
    .await
}

fn figures(times: &mut [f64]) -> String {
    times.sort_by(f64::total_cmp);
    let [median, p95, worst] = [0.5, 0.95, 1.0].map(|share| percentile(times, share));
    format!("{median:>10.1} {p95:>10.1} {worst:>10.1}")
}

/// Makes interactions as a projection would write them, with the words of the language that most mail is in.
async fn fill(client: &Client, rows: usize) -> anyhow::Result<()> {
    let user = UserId::of_subject(ISSUER, "ada");
    // An index that is made when everything is there is made in a tenth of the time.
    let index =
        client.query_one("SELECT pg_get_indexdef('interactions_search'::regclass)", &[]).await?.get::<_, String>(0);
    client.batch_execute("DROP INDEX interactions_search").await?;
    let begun = Instant::now();
    let made = client
        .execute(
            &format!(
                "INSERT INTO interactions (user_id, interaction_id, account_id, stream_id, group_key, occurrence, batch_id, service, kind,
                     subject, body_text, snippet, occurred_at, participants, labels, attachments, version, normalizer_version, search)
                 SELECT CASE WHEN n % 6 = 0 THEN md5((n / 6 % 50)::text)::uuid ELSE i.user_id END, gen_random_uuid(), account_id, stream_id,
                     'made' || n, '', batch_id, service, kind, left(t.words, 40), t.words, left(t.words, 200),
                     i.occurred_at - n * interval '3 minutes', i.participants, i.labels, '[]', version, normalizer_version,
                     setweight(to_tsvector('search.en', left(t.words, 40)), 'A') || setweight(to_tsvector('search.en', t.words), 'D')
                 FROM (SELECT * FROM interactions WHERE user_id = '{user}' LIMIT 1) AS i
                 CROSS JOIN generate_series(1, {rows} * 6 / 5) AS n
                 CROSS JOIN LATERAL (
                     SELECT string_agg('w' || floor(exp(random() * ln(50000)))::int, ' ') AS words
                     FROM generate_series(1, {WORDS} + 0 * n)
                 ) AS t"
            ),
            &[],
        )
        .await?;
    ensure!(usize::try_from(made)? >= rows, "{made} rows were made");
    println!("{made} interactions made in {:.0} s", begun.elapsed().as_secs_f64());
    client.batch_execute(&format!("SET maintenance_work_mem = '512MB'; {index}")).await?;
    client.batch_execute("VACUUM ANALYZE interactions").await?;
    let size = client.query_one("SELECT pg_size_pretty(pg_total_relation_size('interactions')), pg_size_pretty(pg_relation_size('interactions_search'))", &[]).await?;
    println!("size: {} with indexes, of which the words have {}", size.get::<_, String>(0), size.get::<_, String>(1));
    Ok(())
}
