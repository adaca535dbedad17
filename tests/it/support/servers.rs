//! Private PostgreSQL and Redis servers, nearly always one pair for the whole run, and a database cloned from a migrated
//! template for each test.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use omnisync::{config, db, dev::services::Services};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Mutex;
use tokio_postgres::SimpleQueryMessage;
use url::Url;

const ROLE_PASSWORD: &str = "a-password-of-the-tests";

/// A PostgreSQL and a Redis, with a migrated database to clone from.
pub(crate) struct Cluster {
    services: Services,
    n_made: AtomicUsize,
    /// PostgreSQL refuses to clone a template that another session is cloning from.
    cloning: Mutex<()>,
}

impl Cluster {
    /// The one that nearly every test works on.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Self::start)
    }

    /// Starts another, for tests that do things to the servers themselves. Dropping it stops it.
    ///
    /// On a thread of its own: the first test's runtime ends with that test.
    pub(crate) fn start() -> Self {
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
                Self { services, n_made: AtomicUsize::new(0), cloning: Mutex::const_new(()) }
            })
        })
        .join()
        .expect("the servers start")
    }

    /// Clones a database.
    pub(crate) async fn create(&self) -> TestDatabase {
        let number = self.n_made.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("t{number}");
        let _cloning = self.cloning.lock().await;
        let sql = format!("CREATE DATABASE {name} TEMPLATE omnisync");
        self.administer(&sql).await.expect("a clone of the template");
        let urls = urls(self.services.database_url.expose_secret(), &name);
        TestDatabase {
            owner_url: urls.owner,
            api_url: urls.api,
            worker_url: urls.worker,
            scheduler_url: urls.scheduler,
            redis_url: self.services.redis_url.clone(),
            number,
            session: Mutex::default(),
        }
    }

    /// Removes a database that nobody needs any more, whoever is still connected.
    pub(crate) async fn remove(&self, number: usize) {
        // It only saves room: whatever stays goes with the servers.
        self.administer(&format!("DROP DATABASE t{number} WITH (FORCE)")).await.ok();
    }

    async fn administer(&self, sql: &str) -> Result<(), tokio_postgres::Error> {
        let admin = urls(self.services.database_url.expose_secret(), "postgres");
        connect(&admin.owner).await.batch_execute(sql).await
    }
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
    /// The session of [`TestDatabase::rows`]: logging in costs more than most questions.
    session: Mutex<Option<Arc<tokio_postgres::Client>>>,
}

impl TestDatabase {
    pub(crate) async fn create() -> Self {
        Cluster::shared().create().await
    }

    /// Every row of a query, as text, seen as the superuser who owns the test's database.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<Vec<String>> {
        texts(self.session().await.simple_query(sql).await.expect("the query is right"))
    }

    /// A session of the owner; a new one when the server has ended the last.
    async fn session(&self) -> Arc<tokio_postgres::Client> {
        let mut session = self.session.lock().await;
        match session.as_ref().filter(|client| !client.is_closed()) {
            Some(client) => Arc::clone(client),
            None => Arc::clone(session.insert(Arc::new(connect(&self.owner_url).await))),
        }
    }

    /// As [`TestDatabase::rows`], as any role, with its refusal.
    pub(crate) async fn rows_as(url: &SecretString, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
        Ok(texts(connect(url).await.simple_query(sql).await?))
    }

    /// The one number a query gives.
    pub(crate) async fn number_of(&self, sql: &str) -> i64 {
        self.rows(sql).await[0][0].parse().expect("a number")
    }
}

/// The rows among a query's messages, as text.
fn texts(messages: Vec<SimpleQueryMessage>) -> Vec<Vec<String>> {
    let text = |message| match message {
        SimpleQueryMessage::Row(row) => Some((0..row.len()).map(|i| row.get(i).unwrap_or("NULL").to_owned()).collect()),
        _ => None,
    };
    messages.into_iter().filter_map(text).collect()
}

pub(crate) async fn connect(url: &SecretString) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url.expose_secret(), tokio_postgres::NoTls)
        .await
        .expect("the private PostgreSQL answers");
    tokio::spawn(connection);
    client
}
