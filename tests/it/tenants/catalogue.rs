//! What the database's catalogue promises.

use secrecy::SecretString;

use crate::{migrations::Migrating, support::TestDatabase};

const ROLES: [&str; 3] = ["omnisync_api", "omnisync_worker", "omnisync_scheduler"];

/// What is wrong with the tables' protection, one row a fault.
const FAULTS: &str = "
    WITH ours AS (
        SELECT c.oid, c.relname, c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relacl,
            EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attname = 'user_id' AND attnotnull) AS is_someones
        FROM pg_class c
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')
            AND relname <> '__diesel_schema_migrations'
    ), policies AS (
        SELECT o.relname, p.polname, p.polcmd, p.polpermissive, p.polroles::regrole[]::text[] AS roles,
            pg_get_expr(p.polqual, p.polrelid) AS seen, pg_get_expr(p.polwithcheck, p.polrelid) AS written
        FROM pg_policy p JOIN ours o ON o.oid = p.polrelid
    )
    SELECT relname || ' has no user_id' FROM ours WHERE NOT is_someones
    UNION ALL SELECT relname || ' is not protected' FROM ours WHERE NOT relrowsecurity
    UNION ALL SELECT relname || ' does not bind its owner' FROM ours WHERE NOT relforcerowsecurity
    UNION ALL SELECT relname || ' has no policy' FROM ours
        WHERE NOT relispartition AND NOT EXISTS (SELECT FROM policies p WHERE p.relname = ours.relname)
    UNION ALL SELECT relname || ' can be reached past its parent' FROM ours
        WHERE relispartition AND EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee <> (SELECT relowner FROM pg_class c WHERE c.oid = ours.oid))
    UNION ALL SELECT format('%s on %s lets rows be seen unchecked', polname, relname) FROM policies
        WHERE polcmd <> 'a' AND seen IS NULL
    UNION ALL SELECT format('%s on %s lets rows be written unchecked', polname, relname) FROM policies
        WHERE polcmd IN ('a', 'w', '*') AND written IS NULL
    UNION ALL SELECT format('%s on %s is not about the user', polname, relname) FROM policies
        WHERE polpermissive AND roles <> ARRAY['omnisync_scheduler'] AND (
            seen IS DISTINCT FROM '(user_id = ( SELECT app_user_id() AS app_user_id))'
            OR written IS DISTINCT FROM '(user_id = ( SELECT app_user_id() AS app_user_id))'
        )";

async fn faults(db: &TestDatabase) -> Vec<String> {
    db.rows(FAULTS).await.into_iter().map(|mut row| row.remove(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_every_table_is_forced_through_a_policy_that_compares_the_user() {
    let db = TestDatabase::create().await;
    assert_eq!(faults(&db).await, [""; 0]);
    // A table that someone adds without thinking of it is found, whatever they forget.
    for (made, found) in [
        ("CREATE TABLE sloppy (user_id uuid NOT NULL)", "sloppy is not protected"),
        ("ALTER TABLE sloppy ENABLE ROW LEVEL SECURITY", "sloppy does not bind its owner"),
        ("ALTER TABLE sloppy FORCE ROW LEVEL SECURITY", "sloppy has no policy"),
        ("CREATE POLICY loose ON sloppy USING (true)", "loose on sloppy lets rows be written unchecked"),
        ("CREATE TABLE nobodys (id uuid)", "nobodys has no user_id"),
        ("CREATE VIEW past AS SELECT * FROM sloppy", "past is not protected"),
        ("GRANT SELECT ON raw_events_google_0 TO omnisync_api", "raw_events_google_0 can be reached past its parent"),
    ] {
        db.rows(made).await;
        let faults = faults(&db).await;
        assert!(faults.iter().any(|fault| fault == found), "{made}: {faults:?}");
    }
}

/// A role's address.
fn url<'a>(db: &'a TestDatabase, role: &str) -> &'a SecretString {
    match role {
        "omnisync_api" => &db.api_url,
        "omnisync_worker" => &db.worker_url,
        _ => &db.scheduler_url,
    }
}

/// Checks that a role may not do this.
async fn assert_denied(db: &TestDatabase, role: &str, sql: &str) {
    match TestDatabase::rows_as(url(db, role), sql).await {
        Ok(rows) => panic!("{role} may: {sql}: {rows:?}"),
        Err(error) => assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{role}: {sql}: {error:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_the_roles_of_the_program_own_nothing_and_cannot_rise() {
    let db = TestDatabase::create().await;
    // A clone lacks what was revoked on its template; migrating it anew is what a deployment does.
    let mut migrating = Migrating::open(&db).await;
    migrating.all_down();
    while migrating.up() {}
    let mighty = "
        SELECT rolname FROM pg_roles r WHERE rolname LIKE 'omnisync\\_%' AND (
            rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication
            OR EXISTS (SELECT FROM pg_auth_members WHERE member = r.oid AND (roleid <> 'omnisync_search'::regrole OR r.rolinherit))
            OR EXISTS (SELECT FROM pg_shdepend WHERE refobjid = r.oid AND deptype = 'o')
            OR has_schema_privilege(r.oid, 'public', 'CREATE')
            OR has_database_privilege(r.oid, current_database(), 'CREATE')
            OR has_database_privilege(r.oid, current_database(), 'TEMP')
        )";
    assert_eq!(db.rows(mighty).await, Vec::<Vec<String>>::new());
    // One function runs with its owner's rights: it takes nothing, and looks nothing up by a path that somebody else may set. How
    // large a sample it takes is its own, too.
    let risen = "SELECT proname, pronargs, proconfig, has_function_privilege('omnisync_api', oid, 'EXECUTE')
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef";
    let settings = "{\"search_path=\\\"\\\"\",default_statistics_target=20}";
    assert_eq!(db.rows(risen).await, [["refresh_statistics", "0", settings, "f"]]);
    let owner = db.rows("SELECT current_user").await[0][0].clone();
    for role in ROLES {
        assert_eq!(TestDatabase::rows_as(url(&db, role), "SELECT current_user").await.expect("it logs in")[0][0], role);
        for other in ROLES.into_iter().filter(|other| *other != role).chain([owner.as_str(), "pg_read_all_data"]) {
            assert_denied(&db, role, &format!("SET ROLE {other}")).await;
        }
        for sql in [
            "CREATE TABLE public.mine (id int)",
            "CREATE TEMPORARY TABLE mine (id int)",
            "CREATE SCHEMA mine",
            "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "ALTER TABLE items DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE items NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY items_own ON items",
            "CREATE POLICY mine ON items USING (true)",
            "TRUNCATE items",
            "SET session_replication_role = replica",
            "SELECT * FROM raw_events_google_0",
            "COPY items TO '/dev/null'",
        ] {
            assert_denied(&db, role, sql).await;
        }
    }
    assert_denied(&db, "omnisync_api", "SET row_security = off; SELECT count(*) FROM items").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_8_the_scheduler_sees_what_is_due_and_no_content() {
    let db = TestDatabase::create().await;
    let granted = "
        SELECT table_name || '.' || column_name || ' ' || privilege_type FROM information_schema.column_privileges
        WHERE grantee IN ('omnisync_scheduler', 'PUBLIC') AND table_schema = 'public' ORDER BY 1";
    let granted: Vec<String> = db.rows(granted).await.into_iter().map(|mut row| row.remove(0)).collect();
    let mut expected = vec!["previews.expires_at SELECT", "previews.samples UPDATE"];
    expected.extend(["__diesel_schema_migrations.run_on SELECT", "__diesel_schema_migrations.version SELECT"]);
    expected.extend([
        "undone_events.purge_at SELECT",
        "undone_items.purge_at SELECT",
        "undone_streams.purge_at SELECT",
        "timelines.purge_at SELECT",
        "timelines.user_id SELECT",
    ]);
    let jobs =
        ["job_id", "kind", "lease_until", "run_at", "state", "user_id"].map(|column| format!("jobs.{column} SELECT"));
    let items = ["purge_at", "stream_id", "user_id"].map(|column| format!("items.{column} SELECT"));
    let streams = ["projected_by", "stream_id", "user_id"].map(|column| format!("streams.{column} SELECT"));
    let mut expected: Vec<String> =
        expected.into_iter().map(str::to_owned).chain(jobs).chain(items).chain(streams).collect();
    expected.sort();
    assert_eq!(
        {
            let mut all = granted;
            all.sort();
            all
        },
        expected
    );
    for sql in [
        "SELECT * FROM jobs",
        "SELECT error FROM jobs",
        "UPDATE jobs SET state = 'queued'",
        "SELECT source_id FROM items",
        "UPDATE items SET purge_at = NULL",
        "SELECT samples FROM previews",
        "SELECT facts FROM previews",
        "UPDATE previews SET samples = 'x' RETURNING samples",
        "UPDATE previews SET facts = '{}'",
        "SELECT name FROM streams",
        "UPDATE streams SET projected_by = 0",
        "SELECT count(*) FROM interactions",
        "SELECT count(*) FROM raw_events",
        "SELECT payload FROM undone_events",
        "DELETE FROM undone_events RETURNING payload",
        "UPDATE undone_events SET purge_at = now()",
        "SELECT count(*) FROM accounts",
        "SELECT count(*) FROM sync_audit",
    ] {
        assert_denied(&db, "omnisync_scheduler", sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn invariant_10_the_audit_and_the_raw_events_can_only_be_added_to() {
    let db = TestDatabase::create().await;
    let user = "SET app.user_id = '0192f000-0000-7000-8000-000000000001'; ";
    for role in ROLES {
        for table in ["sync_audit", "raw_events"] {
            for sql in [format!("UPDATE {table} SET user_id = user_id"), format!("TRUNCATE {table}")] {
                assert_denied(&db, role, &format!("{user}{sql}")).await;
            }
        }
        assert_denied(&db, role, &format!("{user}DELETE FROM sync_audit")).await;
    }
    assert_denied(&db, "omnisync_worker", &format!("{user}SELECT count(*) FROM sync_audit")).await;
    assert_denied(&db, "omnisync_api", &format!("{user}DELETE FROM raw_events")).await;
    let columns = "
        SELECT grantee, table_name, column_name FROM information_schema.column_privileges
        WHERE privilege_type = 'UPDATE' AND table_name IN ('sync_audit', 'raw_events') AND grantee LIKE 'omnisync\\_%'";
    assert_eq!(db.rows(columns).await, Vec::<Vec<String>>::new());
}
