//! The embedded migrations, and the logins of the run-time roles.

use diesel::migration::MigrationSource;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{Db, Error, Result, Timeouts, statement::sql};
use crate::config::Database;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// What a migration run did.
#[derive(Debug, Default)]
pub struct MigrationReport {
    /// Names of the migrations that were applied, in order.
    pub applied: Vec<String>,
    /// Roles that may log in now with the password of their address.
    pub logins: Vec<String>,
}

/// Applies what is missing, as the owner of the tables, and lets the run-time roles log in.
///
/// A role whose address is configured gets the password that the address holds. Safe to run again and by several at once.
///
/// # Errors
/// When the owner's address is missing or the database refuses.
pub async fn migrate(config: &Database) -> Result<MigrationReport> {
    let url = config.owner_url.as_ref().ok_or_else(|| Error::Migrate("DATABASE_URL is not set".to_owned()))?;
    // One connection: the lock below belongs to it. Migrations may take longer than any request.
    let db = Db::new(url, 1, Timeouts::of_statement(std::time::Duration::from_secs(3600)))?;
    let mut conn = db.connection().await?;
    conn.batch_execute("SELECT pg_advisory_lock(7235406821)").await?;
    let mut harness = AsyncMigrationHarness::new(conn);
    let applied = tokio::task::block_in_place(|| {
        let applied = harness.run_pending_migrations(MIGRATIONS).map_err(|error| Error::Migrate(error.to_string()))?;
        Ok::<_, Error>(applied.iter().map(ToString::to_string).collect())
    })?;
    let mut conn = harness.into_inner();
    let mut logins = Vec::new();
    for (role, url) in [
        ("omnisync_api", &config.api_url),
        ("omnisync_worker", &config.worker_url),
        ("omnisync_scheduler", &config.scheduler_url),
    ] {
        if let Some(url) = url {
            allow_login(&mut conn, role, url).await?;
            logins.push(role.to_owned());
        }
    }
    conn.batch_execute("SELECT pg_advisory_unlock(7235406821)").await?;
    Ok(MigrationReport { applied, logins })
}

/// Sets a role's password to the one in its address.
async fn allow_login(conn: &mut AsyncPgConnection, role: &'static str, url: &SecretString) -> Result<()> {
    #[derive(diesel::QueryableByName)]
    struct Statement {
        #[diesel(sql_type = diesel::sql_types::Text)]
        sql: String,
    }
    let url =
        Url::parse(url.expose_secret()).map_err(|_| Error::Migrate(format!("the address of {role} is no URL")))?;
    if url.username() != role {
        return Err(Error::Migrate(format!("the address of {role} logs in as another role")));
    }
    let Some(password) = url.password() else { return Ok(()) };
    let password = percent_encoding::percent_decode_str(password).decode_utf8_lossy();
    // ALTER ROLE takes no parameters, so the server quotes the password for us.
    let statement: Statement = sql("SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1, $2) AS sql")
        .bind::<diesel::sql_types::Text, _>(role)
        .bind::<diesel::sql_types::Text, _>(password.as_ref())
        .get_result(conn)
        .await?;
    conn.batch_execute(&statement.sql).await?;
    Ok(())
}

/// How many migrations this program has that the database has not.
///
/// # Errors
/// When the database does not answer.
pub async fn pending_migrations(db: &Db) -> Result<usize> {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        n: i64,
    }
    let known = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
        .map_err(|error| Error::Migrate(error.to_string()))?
        .len();
    let mut conn = db.connection().await?;
    let applied: Count = sql("SELECT count(*) AS n FROM __diesel_schema_migrations").get_result(&mut conn).await?;
    Ok(known.saturating_sub(usize::try_from(applied.n).unwrap_or(0)))
}

/// What a run-time role could do that none should: own a table, pass by row-level security, or be anyone's superior.
///
/// # Errors
/// When the database does not answer.
pub async fn role_faults(db: &Db) -> Result<Vec<&'static str>> {
    #[derive(diesel::QueryableByName)]
    struct Role {
        #[diesel(sql_type = diesel::sql_types::Bool)]
        is_super: bool,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        bypasses: bool,
        #[diesel(sql_type = diesel::sql_types::Bool)]
        owns: bool,
    }
    let mut conn = db.connection().await?;
    let role: Role = sql("SELECT rolsuper AS is_super, rolbypassrls AS bypasses, EXISTS (
             SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE c.relowner = r.oid AND n.nspname = 'public'
         ) AS owns FROM pg_roles r WHERE rolname = current_user")
    .get_result(&mut conn)
    .await?;
    let faults =
        [(role.is_super, "is a superuser"), (role.bypasses, "bypasses row-level security"), (role.owns, "owns tables")];
    Ok(faults.into_iter().filter(|(is, _)| *is).map(|(_, what)| what).collect())
}
