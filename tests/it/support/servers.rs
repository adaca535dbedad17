//! One private PostgreSQL and Redis for the whole run, and a database cloned from a migrated template for each test.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use omnisync::{config, db, dev::services::Services};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use url::Url;

const ROLE_PASSWORD: &str = "a-password-of-the-tests";

struct Servers {
    services: Services,
}

/// Starts the servers once, on a thread of their own: the first test's runtime ends with that test.
fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(|| {
        std::thread::spawn(|| {
            rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
            let runtime = tokio::runtime::Runtime::new().expect("a runtime for the servers");
            runtime.block_on(async {
                let under = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
                let services = Services::start_throwaway(under).await.expect("PostgreSQL and Redis start");
                let template = urls(services.database_url.expose_secret(), "omnisync");
                let config = config::Database {
                    owner_url: Some(template.owner.clone()),
                    api_url: Some(template.api),
                    worker_url: Some(template.worker),
                    scheduler_url: Some(template.scheduler),
                    pool_size: 1,
                    statement_timeout: std::time::Duration::from_secs(60),
                };
                db::migrate(&config).await.expect("the template can be migrated");
                Servers { services }
            })
        })
        .join()
        .expect("the servers start")
    })
}

struct Urls {
    owner: SecretString,
    api: SecretString,
    worker: SecretString,
    scheduler: SecretString,
}

fn urls(owner: &str, database: &str) -> Urls {
    let with = |role: Option<&str>| -> SecretString {
        let mut url = Url::parse(owner).expect("the address of the private PostgreSQL");
        url.set_path(database);
        if let Some(role) = role {
            url.set_username(role).and_then(|()| url.set_password(Some(ROLE_PASSWORD))).expect("it names a host");
        }
        url.to_string().into()
    };
    Urls {
        owner: with(None),
        api: with(Some("omnisync_api")),
        worker: with(Some("omnisync_worker")),
        scheduler: with(Some("omnisync_scheduler")),
    }
}

/// A database of one test's own, migrated.
pub(crate) struct TestDatabase {
    pub(crate) owner_url: SecretString,
    pub(crate) api_url: SecretString,
    pub(crate) worker_url: SecretString,
    pub(crate) scheduler_url: SecretString,
    pub(crate) redis_url: SecretString,
    /// The test's number in this run; also its Redis prefix.
    pub(crate) number: usize,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(1);
        // PostgreSQL refuses to clone a template that another session is cloning from.
        static CLONING: Mutex<()> = Mutex::const_new(());
        let servers = servers();
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{number}");
        let admin = urls(servers.services.database_url.expose_secret(), "postgres");
        let _cloning = CLONING.lock().await;
        let admin = connect(&admin.owner).await;
        admin
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE omnisync"))
            .await
            .expect("a clone of the template");
        let urls = urls(servers.services.database_url.expose_secret(), &name);
        Self {
            owner_url: urls.owner,
            api_url: urls.api,
            worker_url: urls.worker,
            scheduler_url: urls.scheduler,
            redis_url: servers.services.redis_url.clone(),
            number,
        }
    }

    /// Every row of a query, as text, seen as the superuser who owns the test's database.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        Self::rows_as(&self.owner_url, sql).await.expect("the query is right")
    }

    /// As [`TestDatabase::rows`], as any role, with its refusal.
    pub(crate) async fn rows_as(url: &SecretString, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
        let client = connect(url).await;
        let messages = client.simple_query(sql).await?;
        Ok(messages
            .into_iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect())
                }
                _ => None,
            })
            .collect())
    }

    /// The one number a query gives.
    pub(crate) async fn number_of(&self, sql: &str) -> i64 {
        self.rows(sql).await[0][0].parse().expect("a number")
    }
}

pub(crate) async fn connect(url: &SecretString) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), tokio_postgres::NoTls)
        .await
        .expect("the private PostgreSQL answers");
    tokio::spawn(connection);
    client
}
