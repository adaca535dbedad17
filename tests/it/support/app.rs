//! An application of a test's own: API and worker in this process, a sandbox Google beside them.

use std::{collections::HashMap, sync::Arc, time::Duration};

use omnisync::{
    clock::Clock,
    config::{Config, Google},
    http::{auth, server, shutdown::Shutdown},
    sandbox::{Control, OAuthClient, Options, Sandbox},
    sync, worker,
};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{Cluster, Consent, Person, TestDatabase};

const ISSUER: &str = "https://issuer.test";
const AUTH_SECRET: &str = "a-secret-of-the-tests-that-is-long-enough";
const CLIENT: (&str, &str) = ("client-of-the-tests", "secret-of-the-client");

/// What a test changes about the usual configuration.
pub(crate) type Settings = HashMap<&'static str, String>;

/// From when to when, as Google writes times.
pub(crate) type Window = (String, String);

pub(crate) struct TestApp {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Clock,
    pub(crate) url: Url,
    pub(crate) db: TestDatabase,
    pub(crate) google: Control,
    /// The variables the configuration was read from, for tests that start the binary.
    pub(crate) vars: HashMap<&'static str, String>,
    sandbox: Sandbox,
    serving: Shutdown,
    working: CancellationToken,
}

impl TestApp {
    /// An application with an empty Google, API and worker running.
    pub(crate) async fn start() -> Self {
        Self::start_with(Settings::new()).await
    }

    /// As [`TestApp::start`], with these variables changed.
    pub(crate) async fn start_with(settings: Settings) -> Self {
        let app = Self::start_idle(settings).await;
        app.start_worker();
        app
    }

    /// As [`TestApp::start_with`], without a worker.
    pub(crate) async fn start_idle(settings: Settings) -> Self {
        Self::start_idle_on(Cluster::shared(), settings).await
    }

    /// As [`TestApp::start_idle`], on servers of one's own.
    pub(crate) async fn start_idle_on(cluster: &Cluster, settings: Settings) -> Self {
        let db = cluster.create().await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("bound"))).expect("an address");
        let redirect = format!("{}{}", url.as_str().trim_end_matches('/'), sync::connect::CALLBACK_PATH);
        let client =
            OAuthClient { id: CLIENT.0.to_owned(), secret: CLIENT.1.to_owned(), redirect_uris: vec![redirect] };
        let options = Options { clients: vec![client], ..Options::default() };
        let sandbox = Sandbox::start(options).expect("the sandbox starts");
        let mut vars = vars(&db, &url, &sandbox.url());
        vars.extend(settings);
        let config = Config::from_vars(|name| vars.get(name).cloned()).expect("the configuration of the tests");
        let app = Self {
            config: Arc::new(config),
            clock: Clock::default(),
            url,
            db,
            google: sandbox.control(),
            vars,
            sandbox,
            serving: Shutdown::default(),
            working: CancellationToken::new(),
        };
        tokio::spawn(server::run(app.config.clone(), app.clock.clone(), listener, app.serving.clone()));
        app
    }

    /// Starts another API of the same application, as another process would be: with its own connections to Redis and to the
    /// database. Gives the person as one who asks there.
    pub(crate) async fn elsewhere(&self, name: &str) -> Person {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = Url::parse(&format!("http://{}/", listener.local_addr().expect("bound"))).expect("an address");
        tokio::spawn(server::run(self.config.clone(), self.clock.clone(), listener, self.serving.clone()));
        Person::new(url, self.token(name, Duration::from_secs(3_600)))
    }

    /// Starts another worker in this process.
    pub(crate) fn start_worker(&self) {
        self.start_worker_by(self.clock.clone());
    }

    /// As [`TestApp::start_worker`], with a clock of its own.
    pub(crate) fn start_worker_by(&self, clock: Clock) {
        tokio::spawn(worker::run(self.config.clone(), clock, self.working.clone()));
    }

    /// The root of the sandbox Google.
    pub(crate) fn google_url(&self) -> Url {
        self.sandbox.url()
    }

    /// Who issues the tokens of the test's people.
    pub(crate) const fn issuer(&self) -> &'static str {
        ISSUER
    }

    /// A person who is signed in.
    pub(crate) fn person(&self, name: &str) -> Person {
        Person::new(self.url.clone(), self.token(name, Duration::from_secs(3_600)))
    }

    /// A token for this person.
    pub(crate) fn token(&self, name: &str, lifetime: Duration) -> String {
        let secret = SecretString::from(AUTH_SECRET);
        auth::issue(&secret, ISSUER, "omnisync", name, lifetime, self.clock.now()).expect("a token")
    }

    /// A bearer token of the test's own for the account's calendars, to ask Google what Google says.
    pub(crate) async fn calendar_bearer(&self, person: &Person, email: &str) -> String {
        let redirect = self.url.join(sync::connect::CALLBACK_PATH).expect("an address");
        let mut url = self.google_url().join("o/oauth2/v2/auth").expect("an address");
        url.query_pairs_mut()
            .append_pair("client_id", CLIENT.0)
            .append_pair("redirect_uri", redirect.as_str())
            .append_pair("response_type", "code")
            .append_pair("scope", "https://www.googleapis.com/auth/calendar.readonly")
            .append_pair("prompt", "consent");
        let back = person.consent(&url, email, Consent::All).await;
        let code = back.query_pairs().find(|(name, _)| name == "code").expect("a code").1.into_owned();
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", redirect.as_str()),
            ("client_id", CLIENT.0),
            ("client_secret", CLIENT.1),
        ];
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = self.google_url().join("token").expect("an address");
        let answer = http.post(url).form(&form).send().await.expect("Google answers");
        let tokens: Value = answer.json().await.expect("JSON");
        tokens["access_token"].as_str().unwrap_or_else(|| panic!("{tokens:#}")).to_owned()
    }

    /// From when to when a preview looks for meetings.
    pub(crate) async fn window_of(&self, preview: &str) -> Window {
        let uuid = super::uuid_of(preview);
        let fields = "snapshot->'calendar'->>'from', snapshot->'calendar'->>'to'";
        let mut row =
            self.db.rows(&format!("SELECT {fields} FROM previews WHERE preview_id = '{uuid}'")).await.remove(0);
        let to = row.remove(1);
        (row.remove(0), to)
    }

    /// All pages of what Google itself lists under a path of the Calendar API in a window; `single` asks for occurrences
    /// instead of series.
    pub(crate) async fn google_lists(&self, bearer: &str, path: &[&str], window: &Window, single: bool) -> Vec<Value> {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut url = self.google_url().join("calendar/v3/calendars/").expect("an address");
        url.path_segments_mut().expect("a base").pop_if_empty().extend(path);
        let single = if single { "true" } else { "false" };
        let parameters =
            [("timeMin", &*window.0), ("timeMax", &*window.1), ("singleEvents", single), ("maxResults", "2500")];
        url.query_pairs_mut().extend_pairs(parameters);
        let (mut all, mut page) = (Vec::new(), None::<String>);
        loop {
            let mut url = url.clone();
            url.query_pairs_mut().extend_pairs(page.iter().map(|page| ("pageToken", page)));
            let answer = http.get(url).bearer_auth(bearer).send().await.expect("Google answers");
            let answer: Value = answer.json().await.expect("JSON");
            all.extend(answer["items"].as_array().unwrap_or_else(|| panic!("{answer:#}")).iter().cloned());
            match answer["nextPageToken"].as_str() {
                Some(next) => page = Some(next.to_owned()),
                None => return all,
            }
        }
    }

    /// Deletes every key in the test's own part of Redis; tells how many there were.
    pub(crate) async fn wipe_redis(&self) -> usize {
        let client = redis::Client::open(self.db.redis_url.expose_secret()).expect("the address of the private Redis");
        let mut redis = client.get_multiplexed_async_connection().await.expect("the private Redis answers");
        let pattern = format!("{}:*", self.config.redis.prefix);
        let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut redis).await.expect("keys");
        if keys.is_empty() {
            return 0;
        }
        redis::cmd("DEL").arg(keys).query_async(&mut redis).await.expect("deleted")
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.serving.begin();
        self.working.cancel();
    }
}

fn vars(db: &TestDatabase, url: &Url, google: &Url) -> HashMap<&'static str, String> {
    let mut vars = HashMap::from([
        ("HTTP_LISTEN", format!("127.0.0.1:{}", url.port().unwrap_or(0))),
        ("PUBLIC_URL", url.to_string()),
        ("AUTH_ISSUER", ISSUER.to_owned()),
        ("AUTH_SECRET", AUTH_SECRET.to_owned()),
        ("DATABASE_URL", db.owner_url.expose_secret().to_owned()),
        ("API_DATABASE_URL", db.api_url.expose_secret().to_owned()),
        ("WORKER_DATABASE_URL", db.worker_url.expose_secret().to_owned()),
        ("SCHEDULER_DATABASE_URL", db.scheduler_url.expose_secret().to_owned()),
        ("DATABASE_POOL_SIZE", "6".to_owned()),
        ("REDIS_URL", db.redis_url.expose_secret().to_owned()),
        ("REDIS_PREFIX", format!("t{}", db.number)),
        ("OMNISYNC_KEYS", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned()),
        ("GOOGLE_CLIENT_ID", CLIENT.0.to_owned()),
        ("GOOGLE_CLIENT_SECRET", CLIENT.1.to_owned()),
        ("GOOGLE_TIMEOUT_SECS", "10".to_owned()),
        // The sandbox has no quota, and most tests are not about ours.
        ("GMAIL_UNITS_PER_MINUTE", "10000000".to_owned()),
        ("GMAIL_PROJECT_UNITS_PER_MINUTE", "10000000".to_owned()),
        ("CALENDAR_REQUESTS_PER_MINUTE", "100000".to_owned()),
        ("CALENDAR_PROJECT_REQUESTS_PER_MINUTE", "100000".to_owned()),
        // Most tests are not about what a person may ask for in a minute, either.
        ("GRAPHQL_COST_PER_MINUTE", "100000000".to_owned()),
        ("SWEEP_MS", "200".to_owned()),
        ("RUST_LOG", "warn".to_owned()),
    ]);
    vars.extend(Google::vars_under(google.as_str()));
    vars
}
