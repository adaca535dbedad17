//! The migrations: each can be taken back, everything they make is explained, and `src/db/schema.rs` says what they made.

mod rendering;

use diesel_async::{AsyncConnection, AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use secrecy::ExposeSecret;

use crate::support::TestDatabase;

/// Everything the catalogue holds about the tables, one fact a line.
const SNAPSHOT: &str = "
    WITH ours AS (
        SELECT oid FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relname NOT LIKE '\\_\\_diesel%'
    )
    SELECT line FROM (
        SELECT format('relation %s %s rls %s %s acl %s partition %s %s', oid::regclass, relkind, relrowsecurity,
            relforcerowsecurity, relacl, pg_get_partkeydef(oid), pg_get_expr(relpartbound, oid))
        FROM pg_class JOIN ours USING (oid)
        UNION ALL
        SELECT format('column %s %s %s %s not null %s default %s storage %s acl %s', attrelid::regclass,
            row_number() OVER (PARTITION BY attrelid ORDER BY attnum), attname, format_type(atttypid, atttypmod), attnotnull,
            pg_get_expr(adbin, adrelid), attstorage, attacl)
        FROM pg_attribute JOIN ours ON ours.oid = attrelid LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
        WHERE attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(c.oid))
        FROM pg_constraint c JOIN ours ON ours.oid = conrelid
        UNION ALL
        SELECT format('index %s', pg_get_indexdef(indexrelid)) FROM pg_index JOIN ours ON ours.oid = indrelid
        UNION ALL
        SELECT format('policy %s %s %s %s using %s check %s', tablename, policyname, cmd, roles, qual, with_check)
        FROM pg_policies
        UNION ALL
        SELECT format('comment %s %s', pg_describe_object(classoid, objoid, objsubid), description)
        FROM pg_description LEFT JOIN pg_proc p ON p.oid = objoid AND classoid = 'pg_proc'::regclass
        WHERE objoid IN (SELECT oid FROM ours) OR p.pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('function %s acl %s', pg_get_functiondef(oid), proacl)
        FROM pg_proc WHERE pronamespace = 'public'::regnamespace
        UNION ALL
        SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM pg_trigger t JOIN ours ON ours.oid = tgrelid
        WHERE NOT tgisinternal
        UNION ALL
        SELECT format('type %s %s', typname, typtype) FROM pg_type WHERE typnamespace = 'public'::regnamespace
            AND typname NOT LIKE '%\\_\\_diesel%'
        UNION ALL
        SELECT format('schema %s', nspacl) FROM pg_namespace WHERE nspname = 'public'
        UNION ALL
        SELECT format('database %s', datacl) FROM pg_database WHERE datname = current_database()
    ) AS facts (line) ORDER BY line";

async fn snapshot(db: &TestDatabase) -> Vec<String> {
    db.rows(SNAPSHOT).await.into_iter().map(|mut row| row.remove(0)).collect()
}

/// What stands in one snapshot only.
fn difference<'a>(left: &'a [String], right: &'a [String]) -> Vec<&'a String> {
    let missing = |from: &'a [String], of: &'a [String]| of.iter().filter(move |line| !from.contains(line));
    missing(left, right).chain(missing(right, left)).collect()
}

/// A test's database as the migrations of the sources see it.
pub(crate) struct Migrating {
    harness: AsyncMigrationHarness<AsyncPgConnection>,
    source: FileBasedMigrations,
}

impl Migrating {
    pub(crate) async fn open(db: &TestDatabase) -> Self {
        let conn = AsyncPgConnection::establish(db.owner_url.expose_secret()).await.expect("the database answers");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
        let source = FileBasedMigrations::from_path(folder).expect("the folder of migrations");
        Self { harness: AsyncMigrationHarness::new(conn), source }
    }

    /// Takes every migration back, last first.
    pub(crate) fn all_down(&mut self) {
        let source = self.source.clone();
        tokio::task::block_in_place(|| self.harness.revert_all_migrations(source).map(drop))
            .expect("all can be taken back");
    }

    /// Applies the next one; `false` when there is none.
    pub(crate) fn up(&mut self) -> bool {
        let source = self.source.clone();
        tokio::task::block_in_place(|| {
            let is_left = self.harness.has_pending_migration(source.clone()).expect("migrations can be listed");
            if is_left {
                self.harness.run_next_migration(source).expect("it can be applied");
            }
            is_left
        })
    }

    /// Takes the last one back.
    pub(crate) fn down(&mut self) {
        let source = self.source.clone();
        tokio::task::block_in_place(|| self.harness.revert_last_migration(source).map(drop))
            .expect("it can be taken back");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_goes_up_and_down_and_up_and_leaves_the_same() {
    let db = TestDatabase::create().await;
    let embedded = snapshot(&db).await;
    let mut migrating = Migrating::open(&db).await;
    migrating.all_down();
    while migrating.up() {}
    let whole = snapshot(&db).await;
    // A clone of a database lacks the grants on the database itself.
    let differing = difference(&embedded, &whole);
    assert!(
        differing.iter().all(|line| line.starts_with("database ")),
        "the binary's migrations are not the folder's: {differing:#?}"
    );
    migrating.all_down();
    let nothing = snapshot(&db).await;
    assert!(nothing.iter().all(|line| line.starts_with("schema ") || line.starts_with("database ")), "{nothing:#?}");

    let mut before = nothing;
    while migrating.up() {
        let after = snapshot(&db).await;
        migrating.down();
        let back = snapshot(&db).await;
        assert_eq!(difference(&before, &back), [""; 0], "taken back, it leaves traces");
        assert!(migrating.up());
        let again = snapshot(&db).await;
        assert_eq!(difference(&after, &again), [""; 0], "applied again, it makes something else");
        assert_ne!(before, after, "every migration does something the snapshot sees");
        before = after;
    }
    assert_eq!(difference(&whole, &before), [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_table_column_and_function_is_explained() {
    let db = TestDatabase::create().await;
    let silent = "
        SELECT c.oid::regclass || coalesce('.' || a.attname, '')
        FROM pg_class c
        LEFT JOIN LATERAL (
            SELECT attname, attnum FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT NULL, 0
        ) a ON true
        WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
            AND c.relname NOT LIKE '\\_\\_diesel%'
            AND coalesce(length(col_description(c.oid, a.attnum)), 0) < 4
            AND (a.attnum > 0 OR coalesce(length(obj_description(c.oid, 'pg_class')), 0) < 10)
        UNION ALL
        SELECT proname::text FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL";
    assert_eq!(db.rows(silent).await, Vec::<Vec<String>>::new());
}

/// Set `UPDATE_SCHEMA=1` to write the file anew after a migration has changed the tables.
#[tokio::test(flavor = "multi_thread")]
async fn the_tables_in_the_code_are_the_tables_in_the_database() {
    let db = TestDatabase::create().await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/db/schema.rs");
    let file = std::fs::read_to_string(path).expect("the file is there");
    let rendered = rendering::render(&db).await;
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(path, rendered).expect("the file can be written");
        return;
    }
    assert!(rendered == file, "src/db/schema.rs is out of step; write it anew with UPDATE_SCHEMA=1:\n{rendered}");
}
