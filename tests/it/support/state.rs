//! What a test's database holds, without the ids that are drawn anew in every run: two runs that went alike compare equal.

use super::TestDatabase;

/// The rows that a sync leaves behind, table by table, of everyone in the database.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct State(Vec<(&'static str, Vec<String>)>);

/// Each table's rows as one text each; `stream` stands for what the stream reads.
const QUERIES: [(&str, &str); 7] = [
    (
        "items",
        "SELECT concat_ws('|', s.collection_id, i.source_id, i.outcome, i.reason, i.version, i.group_key, i.to_project)
         FROM items i JOIN streams s USING (user_id, stream_id)",
    ),
    (
        "raw_events",
        "SELECT concat_ws('|', s.collection_id, r.source_id, r.version, r.kind, r.group_key, r.size_bytes)
         FROM raw_events r JOIN streams s USING (user_id, stream_id)",
    ),
    (
        "batch_items",
        "SELECT concat_ws('|', s.collection_id, b.source_id, b.outcome, b.version)
         FROM batch_items b JOIN streams s USING (user_id, stream_id)",
    ),
    (
        "interactions",
        "SELECT concat_ws('|', s.collection_id, n.group_key, n.occurrence, n.version, md5(to_jsonb(n)
             - '{user_id, interaction_id, account_id, stream_id, batch_id}'::text[] #>> '{}'))
         FROM interactions n JOIN streams s USING (user_id, stream_id)",
    ),
    (
        "interaction_people",
        "SELECT concat_ws('|', address, occurred_at, relation, name) FROM interaction_people",
    ),
    (
        "identities",
        "SELECT concat_ws('|', address, name, n_wrote_to, n_wrote, n_met, first_at, last_at, is_hidden) FROM identities",
    ),
    (
        "batches",
        "SELECT concat_ws('|', state, origin, n_listed, n_stored, n_unchanged, n_filtered, n_failed, n_gone, n_normalized,
             n_removed, n_restored) FROM batches",
    ),
];

impl State {
    pub(crate) async fn of(db: &TestDatabase) -> Self {
        let mut tables = Vec::new();
        for (table, sql) in QUERIES {
            let rows = db.rows(&format!("{sql} ORDER BY 1")).await;
            tables.push((table, rows.into_iter().map(|mut row| row.swap_remove(0)).collect()));
        }
        Self(tables)
    }

    /// Fails with the first rows that only one of the two has.
    pub(crate) fn assert_equals(&self, expected: &Self) {
        for ((table, rows), (_, wanted)) in self.0.iter().zip(&expected.0) {
            let only = |left: &[String], right: &[String]| -> Vec<String> {
                left.iter().filter(|row| !right.contains(row)).take(5).cloned().collect()
            };
            assert_eq!(
                rows.len(),
                wanted.len(),
                "{table}: {:#?} instead of {:#?}",
                only(rows, wanted),
                only(wanted, rows)
            );
            assert_eq!(rows, wanted, "{table}");
        }
    }
}
