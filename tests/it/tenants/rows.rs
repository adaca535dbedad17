//! What each role really sees and can write.

use tokio_postgres::SimpleQueryMessage;

use super::{tables, two_people};
use crate::support::{TestDatabase, connect, uuid_of};

/// What a statement on this connection gives: one text, or the refusal.
async fn text(client: &tokio_postgres::Client, sql: &str) -> Result<String, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    let row = messages.iter().rev().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap_or("NULL").to_owned()),
        _ => None,
    });
    Ok(row.unwrap_or_default())
}

/// Rows a role sees in a table; none where it may not look at all.
async fn seen(client: &tokio_postgres::Client, table: &str) -> i64 {
    match text(client, &format!("SELECT count(*) FROM {table}")).await {
        Ok(count) => count.parse().expect("a number"),
        Err(error) => {
            assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{table}: {error:?}");
            0
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_without_the_right_user_every_table_is_empty_to_every_role() {
    let (app, ada, _ben) = two_people().await;
    let me = uuid_of(
        ada.person.data("{ viewer { id } }", serde_json::json!({})).await["viewer"]["id"].as_str().expect("an id"),
    );
    let stranger = "0192f000-0000-7000-8000-00000000dead";
    for (role, url) in [("api", &app.db.api_url), ("worker", &app.db.worker_url), ("scheduler", &app.db.scheduler_url)]
    {
        let client = connect(url).await;
        let mut n_seen = 0;
        for table in tables(&app).await {
            // Which jobs are due, and which normalizer has made a stream's rows, is what the scheduler sees of everyone.
            if matches!((role, table.as_str()), ("scheduler", "jobs" | "streams")) {
                continue;
            }
            assert_eq!(seen(&client, &table).await, 0, "{role} on {table}, on a fresh connection");
            for who in [stranger, ""] {
                client.batch_execute(&format!("BEGIN; SET LOCAL app.user_id = '{who}'")).await.expect("begun");
                assert_eq!(seen(&client, &table).await, 0, "{role} on {table}, as {who:?}");
                client.batch_execute("ROLLBACK").await.expect("rolled back");
            }
            client.batch_execute(&format!("BEGIN; SET LOCAL app.user_id = '{me}'")).await.expect("begun");
            let mine = seen(&client, &table).await;
            client.batch_execute("COMMIT").await.expect("committed");
            let all = app.db.number_of(&format!("SELECT count(*) FROM {table} WHERE user_id = '{me}'")).await;
            assert!(mine == all || mine == 0, "{role} on {table} sees {mine} of {all}");
            n_seen += mine;
            // What a pool hands on: the setting has ended with the transaction, and reads as the empty text.
            assert_eq!(text(&client, "SELECT current_setting('app.user_id', true)").await.expect("a setting"), "");
            assert_eq!(seen(&client, &table).await, 0, "{role} on {table}, on a used connection");
        }
        assert_eq!(n_seen > 0, role != "scheduler", "{role} sees its own user's rows");
    }
}

/// One row of each table, of this user, as JSON.
async fn specimens(db: &TestDatabase, tables: &[String], user: &str) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for table in tables {
        let rows = db.rows(&format!("SELECT to_jsonb(t) FROM {table} t WHERE user_id = '{user}' LIMIT 1")).await;
        let row = rows.into_iter().next().unwrap_or_else(|| panic!("nobody has a row in {table}"));
        all.push((table.clone(), row[0].replace('\'', "''")));
    }
    all
}

async fn user_of(db: &TestDatabase, email: &str) -> String {
    db.rows(&format!("SELECT user_id FROM accounts WHERE email = '{email}'")).await[0][0].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_nobody_can_write_a_row_that_is_someone_elses() {
    let (app, ada, ben) = two_people().await;
    let (me, other) = (user_of(&app.db, ben.email).await, user_of(&app.db, ada.email).await);
    let tables = tables(&app).await;
    let theirs = specimens(&app.db, &tables, &other).await;
    for url in [&app.db.api_url, &app.db.worker_url, &app.db.scheduler_url] {
        let client = connect(url).await;
        let begin = format!("BEGIN; SET LOCAL app.user_id = '{me}'");
        for (table, row) in &theirs {
            for sql in [
                format!("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, '{row}')"),
                format!("UPDATE {table} SET user_id = '{other}'"),
            ] {
                client.batch_execute(&begin).await.expect("begun");
                let error = text(&client, &sql).await.expect_err(&sql);
                assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{sql}: {error:?}");
                client.batch_execute("ROLLBACK").await.expect("rolled back");
            }
            // What one cannot see one cannot change either: refused, or nothing found to do it to.
            for verb in [format!("DELETE FROM {table}"), format!("UPDATE {table} SET user_id = user_id")] {
                client.batch_execute(&begin).await.expect("begun");
                let sql = format!(
                    "WITH touched AS ({verb} WHERE user_id = '{other}' RETURNING 1) SELECT count(*) FROM touched"
                );
                let touched = text(&client, &sql).await.unwrap_or("0".to_owned());
                assert_eq!(touched, "0", "{sql}");
                client.batch_execute("ROLLBACK").await.expect("rolled back");
            }
        }
    }
}

/// A unique key without the user in it would tell one person what another has.
#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_two_people_may_hold_the_very_same_ids() {
    let (app, ada, _ben) = two_people().await;
    let me = user_of(&app.db, ada.email).await;
    let tables = tables(&app).await;
    let twin = "0192f000-0000-7000-8000-0000000000aa";
    let copies: String = specimens(&app.db, &tables, &me)
        .await
        .into_iter()
        .map(|(table, row)| {
            let row = row.replace(&me, twin);
            format!("INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, '{row}');")
        })
        .collect();
    // As a superuser, so that nothing but the keys can refuse; foreign keys are put aside, as they are about order here.
    app.db.rows(&format!("BEGIN; SET LOCAL session_replication_role = replica; {copies} COMMIT")).await;
    for table in tables {
        assert_eq!(
            app.db.number_of(&format!("SELECT count(*) FROM {table} WHERE user_id = '{twin}'")).await,
            1,
            "{table}"
        );
    }
}
