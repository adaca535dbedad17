//! Everything the program can be told, read once from the environment.
//!
//! Each field names its variable, its unit and its default. `Config::from_vars` takes any lookup, so that `omnisync dev`
//! and the tests build the same struct the servers build, from a map instead of the environment.

mod vars;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

use self::vars::Vars;

/// The whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    pub http: Http,
    pub auth: Auth,
    pub database: Database,
    pub redis: Redis,
    pub keys: Keys,
    pub google: Google,
    pub quota: Quota,
    pub breaker: Breaker,
    pub sync: Sync,
    pub images: Images,
    pub graphql: GraphQl,
    pub metrics: Metrics,
    pub log: Log,
}

/// Where the API listens and what it calls itself.
#[derive(Clone, Debug)]
pub struct Http {
    /// The address the API listens on. Read from `HTTP_LISTEN`. Defaults to `127.0.0.1:4000`.
    pub listen: SocketAddr,
    /// The address browsers reach the API at; OAuth redirects are built from it. Read from `PUBLIC_URL`. Defaults to
    /// `http://<HTTP_LISTEN>`.
    pub public_url: Url,
    /// Web origins, comma separated, that may call the API from a browser and be returned to after a link. Read from
    /// `ALLOWED_ORIGINS`. Defaults to none but `PUBLIC_URL` itself.
    pub allowed_origins: Vec<String>,
    /// Whether the console is served, at `/` and below. Read from `CONSOLE` (`true` or `false`). Defaults to `true`.
    pub console: bool,
    /// Where the console sends people who are not signed in, with `return_to` in the query: whoever signs them in there sends them
    /// back to that address with `#token=<JWT>`. Read from `CONSOLE_SIGN_IN_URL`. Defaults to none: the console asks for a token.
    pub console_sign_in_url: Option<Url>,
    /// Whether `/graphiql` is served. Read from `GRAPHIQL` (`true` or `false`). Defaults to `false`; `omnisync dev` turns it on.
    pub graphiql: bool,
    /// The largest request body, in bytes. Read from `HTTP_BODY_LIMIT_BYTES`. Defaults to 262,144.
    pub body_limit_bytes: usize,
    /// How long one operation may take, in seconds. Read from `HTTP_TIMEOUT_SECS`. Defaults to 10.
    pub timeout: Duration,
}

/// How the bearer tokens of API users (JWT, RFC 7519) are verified.
#[derive(Clone, Debug)]
pub struct Auth {
    /// The `iss` a token must carry. Read from `AUTH_ISSUER`. Required.
    pub issuer: String,
    /// The `aud` a token must carry. Read from `AUTH_AUDIENCE`. Defaults to `omnisync`.
    pub audience: String,
    /// The key or keys that sign the tokens.
    pub key: AuthKey,
}

/// Exactly one of the two is configured.
#[derive(Clone, Debug)]
pub enum AuthKey {
    /// Public keys (RSA or EC) served by the issuer. Read from `AUTH_JWKS_URL`; https, or http on loopback.
    Jwks(Url),
    /// A shared secret of at least 32 bytes for HS256. Read from `AUTH_SECRET`.
    Secret(SecretString),
}

/// One login for each role, so that a process holds no right it does not use.
#[derive(Clone, Debug)]
pub struct Database {
    /// The owner of the tables; used by `migrate` only. Read from `DATABASE_URL`.
    pub owner_url: Option<SecretString>,
    /// Logs in as `omnisync_api`; used by `serve`. Read from `API_DATABASE_URL`.
    pub api_url: Option<SecretString>,
    /// Logs in as `omnisync_worker`; used by `work`. Read from `WORKER_DATABASE_URL`.
    pub worker_url: Option<SecretString>,
    /// Logs in as `omnisync_scheduler`; used by `work`. Read from `SCHEDULER_DATABASE_URL`.
    pub scheduler_url: Option<SecretString>,
    /// Connections in each pool. Read from `DATABASE_POOL_SIZE`. Defaults to 16.
    pub pool_size: usize,
    /// The longest a statement may run, in seconds; the database enforces it. Read from `DATABASE_STATEMENT_TIMEOUT_SECS`.
    /// Defaults to 15.
    pub statement_timeout: Duration,
}

/// The queue's doorbell, budgets, locks and progress hints.
#[derive(Clone, Debug)]
pub struct Redis {
    /// Read from `REDIS_URL`. Required.
    pub url: SecretString,
    /// Put before every key, so that environments can share a server. Read from `REDIS_PREFIX`. Defaults to `omnisync`.
    pub prefix: String,
}

/// The keys that wrap each user's data key (AES-256).
#[derive(Clone)]
pub struct Keys {
    /// Key ids and 32-byte keys; the first one wraps, all of them unwrap.
    ///
    /// Read from `OMNISYNC_KEYS`: `id:base64` pairs, comma separated. Required. `omnisync keys` prints a fresh pair.
    pub wrapping: Vec<(String, Zeroizing<[u8; 32]>)>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.wrapping.iter().map(|(id, _)| id)).finish()
    }
}

/// The OAuth client at Google and where Google's services are.
#[derive(Clone, Debug)]
pub struct Google {
    /// Read from `GOOGLE_CLIENT_ID`. Required.
    pub client_id: String,
    /// Read from `GOOGLE_CLIENT_SECRET`. Required.
    pub client_secret: SecretString,
    /// Read from `GOOGLE_AUTH_URL`. Defaults to `https://accounts.google.com/o/oauth2/v2/auth`.
    pub auth_url: Url,
    /// Read from `GOOGLE_TOKEN_URL`. Defaults to `https://oauth2.googleapis.com/token`.
    pub token_url: Url,
    /// Read from `GOOGLE_REVOKE_URL`. Defaults to `https://oauth2.googleapis.com/revoke`.
    pub revoke_url: Url,
    /// Read from `GOOGLE_JWKS_URL`. Defaults to `https://www.googleapis.com/oauth2/v3/certs`.
    pub jwks_url: Url,
    /// Read from `GOOGLE_ISSUER`. Defaults to `https://accounts.google.com`.
    pub issuer: String,
    /// The root of the Gmail API. Read from `GOOGLE_GMAIL_URL`. Defaults to `https://gmail.googleapis.com/`.
    pub gmail_url: Url,
    /// The root of the Calendar API. Read from `GOOGLE_CALENDAR_URL`. Defaults to `https://www.googleapis.com/calendar/v3/`.
    pub calendar_url: Url,
    /// How long one call may take until its headers have come, in seconds. Read from `GOOGLE_TIMEOUT_SECS`. Defaults to 10.
    pub timeout: Duration,
    /// How long one call may take until its body has come, in seconds. Read from `GOOGLE_BODY_TIMEOUT_SECS`. Defaults to 60.
    pub body_timeout: Duration,
}

impl Google {
    /// The variables that point at a stand-in for Google with every service under one address, such as `http://[::1]:8080`.
    pub fn vars_under(root: &str) -> [(&'static str, String); 7] {
        let google = root.trim_end_matches('/');
        [
            ("GOOGLE_AUTH_URL", format!("{google}/o/oauth2/v2/auth")),
            ("GOOGLE_TOKEN_URL", format!("{google}/token")),
            ("GOOGLE_REVOKE_URL", format!("{google}/revoke")),
            ("GOOGLE_JWKS_URL", format!("{google}/oauth2/v3/certs")),
            ("GOOGLE_ISSUER", google.to_owned()),
            ("GOOGLE_GMAIL_URL", format!("{google}/")),
            ("GOOGLE_CALENDAR_URL", format!("{google}/calendar/v3/")),
        ]
    }
}

/// Budgets in the provider's own units (`docs/ARCHITECTURE.md`, "Quota").
#[derive(Clone, Debug)]
pub struct Quota {
    /// Gmail units one user may draw in a minute. Read from `GMAIL_UNITS_PER_MINUTE`. Defaults to 4,500: 75 % of what
    /// Google grants new projects.
    pub gmail_units_per_minute: u32,
    /// Gmail units the whole project may draw in a minute. Read from `GMAIL_PROJECT_UNITS_PER_MINUTE`. Defaults to 900,000.
    pub gmail_project_units_per_minute: u32,
    /// Calendar requests one user may make in a minute. Read from `CALENDAR_REQUESTS_PER_MINUTE`. Defaults to 450.
    pub calendar_requests_per_minute: u32,
    /// Calendar requests the whole project may make in a minute. Read from `CALENDAR_PROJECT_REQUESTS_PER_MINUTE`.
    /// Defaults to 7,500.
    pub calendar_project_requests_per_minute: u32,
    /// Requests in flight at once for one account. Read from `PROVIDER_IN_FLIGHT`. Defaults to 8. A quarter is
    /// kept free for a preview while a run has the others; with 1, each has one.
    pub in_flight: usize,
}

impl Quota {
    /// How many of an account's requests in flight are a preview's.
    pub fn previews_in_flight(&self) -> usize {
        (self.in_flight / 4).max(1)
    }

    /// How many are a run's.
    pub fn runs_in_flight(&self) -> usize {
        self.in_flight.saturating_sub(self.previews_in_flight()).max(1)
    }
}

/// When a provider that fails is left alone (`docs/ARCHITECTURE.md`, "Breakers").
#[derive(Clone, Debug)]
pub struct Breaker {
    /// How long a call counts, in seconds. Read from `BREAKER_WINDOW_SECS`. Defaults to 30.
    pub window: Duration,
    /// How many calls must count before a breaker opens. Read from `BREAKER_LEAST_CALLS`. Defaults to 20.
    pub least_calls: u32,
    /// How many per cent of them must have failed. Read from `BREAKER_FAILED_PERCENT`. Defaults to 50; 1 to 100.
    pub failed_percent: usize,
    /// How long it stays open before one call probes, in seconds. Read from `BREAKER_OPEN_SECS`. Defaults to 30.
    pub open: Duration,
    /// How long a probe is waited for before another is sent, in seconds. Read from `BREAKER_PROBE_SECS`. Defaults to 15;
    /// its worker may have died.
    pub probe: Duration,
}

/// How the sync jobs run.
#[derive(Clone, Debug)]
pub struct Sync {
    /// Items one slice may handle. Read from `SLICE_ITEMS`. Defaults to 2,000.
    pub slice_items: usize,
    /// How long one slice may run, in seconds. Read from `SLICE_SECS`. Defaults to 60.
    pub slice: Duration,
    /// How long a worker's claim on a job lives without renewal, in seconds. Read from `LEASE_SECS`. Defaults to 90;
    /// longer than a slice.
    pub lease: Duration,
    /// Items stored in one transaction. Read from `CHUNK_ITEMS`. Defaults to 100.
    pub chunk_items: usize,
    /// Slices one worker process runs at once, in each queue. Read from `WORKER_CONCURRENCY`. Defaults to 4.
    pub concurrency: usize,
    /// How often the sweeper looks for work that stands still, in milliseconds. Read from `SWEEP_MS`. Defaults to 5,000.
    pub sweep: Duration,
    /// How long a preview may wait for its approval, in seconds. Read from `PREVIEW_SECS`. Defaults to 3,600.
    pub preview: Duration,
    /// For how many days what an undo took away is kept, so that it can be redone; `None` deletes it at once. Read from
    /// `UNDO_DAYS`, where 0 means none. Defaults to 7; at most 365.
    pub undo_days: Option<i32>,
    /// Samples a preview shows of each service. Read from `PREVIEW_SAMPLES`. Defaults to 20; at most 20.
    pub preview_samples: usize,
    /// Tries in a row of a job that fails for a passing reason, without progress between them. Read from `MAX_ATTEMPTS`. Defaults to 5.
    pub max_attempts: i32,
}

/// The images that mail would have browsers load from elsewhere.
#[derive(Clone, Debug)]
pub struct Images {
    /// Whether they may be had through this server, which then asks whatever host a mail names, on the public internet. Read from
    /// `IMAGE_PROXY`. Defaults to `false`: nobody has them.
    pub proxy: bool,
    /// Networks that are asked although they are not public, such as one's own, comma separated, as in `10.0.0.0/8`. Read from
    /// `IMAGE_PROXY_ALSO`. Defaults to none.
    pub also: Vec<IpNet>,
}

/// Limits on what one GraphQL document, one socket and one person may ask.
#[derive(Clone, Debug)]
pub struct GraphQl {
    /// Levels of nesting. Read from `GRAPHQL_MAX_DEPTH`. Defaults to 12.
    pub max_depth: usize,
    /// Lexical tokens in a document. Read from `GRAPHQL_MAX_TOKENS`. Defaults to 4,000.
    pub max_tokens: usize,
    /// Aliases in a document. Read from `GRAPHQL_MAX_ALIASES`. Defaults to 30.
    pub max_aliases: usize,
    /// Cost of a document; a connection costs its `first`. Read from `GRAPHQL_MAX_COMPLEXITY`. Defaults to 5,000.
    pub max_complexity: usize,
    /// What the operations of one person may cost in any minute, over all processes. Read from `GRAPHQL_COST_PER_MINUTE`.
    /// Defaults to 500,000; at least `GRAPHQL_MAX_COMPLEXITY`.
    pub cost_per_minute: u32,
    /// Queries and mutations of one person that run at once, in a process. Read from `GRAPHQL_MAX_RUNNING`. Defaults to 32.
    pub max_running: usize,
    /// Subscriptions of one person that are open at once, in a process. Read from `GRAPHQL_MAX_SUBSCRIPTIONS`. Defaults to 200.
    pub max_subscriptions: usize,
    /// The only documents that run: a JSON file of ids and documents, or a folder of such files and of `.graphql` files. Read
    /// from `GRAPHQL_TRUSTED_DOCUMENTS`. Defaults to none, and then any document runs.
    pub trusted_documents: Option<PathBuf>,
    /// Whether the schema may be introspected. Read from `GRAPHQL_INTROSPECTION`. Defaults to `false`; `omnisync dev` turns it on.
    pub introspection: bool,
    /// How long a new socket may wait before `connection_init`, in seconds. Read from `WS_INIT_SECS`. Defaults to 10.
    pub ws_init: Duration,
    /// How often the server pings a socket, or sends a sign of life down a stream, in seconds. Read from `WS_PING_SECS`.
    /// Defaults to 15.
    pub ws_ping: Duration,
    /// Live operations on one socket. Read from `WS_MAX_OPERATIONS`. Defaults to 20.
    pub ws_max_operations: usize,
}

impl Default for GraphQl {
    fn default() -> Self {
        Self {
            max_depth: 12,
            max_tokens: 4_000,
            max_aliases: 30,
            max_complexity: 5_000,
            cost_per_minute: 500_000,
            max_running: 32,
            max_subscriptions: 200,
            trusted_documents: None,
            introspection: false,
            ws_init: Duration::from_secs(10),
            ws_ping: Duration::from_secs(15),
            ws_max_operations: 20,
        }
    }
}

/// Where Prometheus finds what a process has counted.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// The address of a listener of its own, which answers `GET /metrics` and nothing else: anybody who reaches it may read.
    /// Read from `METRICS_LISTEN`; by `serve` and by `work`, which need one each on the same machine. Defaults to none, and
    /// then nothing is counted.
    pub listen: Option<SocketAddr>,
}

/// What is logged, and how.
#[derive(Clone, Debug)]
pub struct Log {
    /// A filter in `tracing_subscriber::EnvFilter` form. Libraries never say more than `info`, since below it they print what
    /// passes through them. Read from `RUST_LOG`. Defaults to `info`.
    pub filter: String,
    /// Lines of JSON instead of text. Read from `LOG_JSON`. Defaults to `false`.
    pub json: bool,
}

/// One thing wrong with the configuration, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable}: {problem}")]
pub struct Problem {
    /// The variable to change.
    pub variable: &'static str,
    /// What is wrong with it; never its value, which may be a secret.
    pub problem: String,
}

impl Config {
    /// Reads the configuration from the process's environment.
    ///
    /// # Errors
    /// Every problem at once, so that one run of `omnisync doctor` names all of them.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn from_env() -> Result<Self, Vec<Problem>> {
        Self::from_vars(|name| std::env::var(name).ok())
    }

    /// Reads only the database's part, which is all that `omnisync migrate` needs.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn database_from_env() -> Database {
        let lookup = |name: &str| std::env::var(name).ok();
        Vars { lookup: &lookup, problems: Vec::new() }.database()
    }

    /// Reads the configuration through `lookup`. An empty value counts as absent.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, Vec<Problem>> {
        let mut vars = Vars { lookup: &lookup, problems: Vec::new() };
        let listen = vars.or("HTTP_LISTEN", SocketAddr::from(([127, 0, 0, 1], 4000)));
        let public_url = vars.url_or("PUBLIC_URL", &format!("http://{listen}/"));
        let config = Self {
            http: Http {
                listen,
                public_url,
                allowed_origins: vars.list("ALLOWED_ORIGINS"),
                console: vars.or("CONSOLE", true),
                console_sign_in_url: vars.maybe("CONSOLE_SIGN_IN_URL"),
                graphiql: vars.or("GRAPHIQL", false),
                body_limit_bytes: vars.or("HTTP_BODY_LIMIT_BYTES", 262_144),
                timeout: vars.secs("HTTP_TIMEOUT_SECS", 10),
            },
            auth: Auth {
                issuer: vars.required("AUTH_ISSUER", "the `iss` of your users' tokens"),
                audience: vars.or("AUTH_AUDIENCE", "omnisync".to_owned()),
                key: vars.auth_key(),
            },
            database: vars.database(),
            redis: Redis {
                url: vars.required("REDIS_URL", "the address of a Redis server, as redis://host:port/0").into(),
                prefix: vars.or("REDIS_PREFIX", "omnisync".to_owned()),
            },
            keys: Keys { wrapping: vars.keys() },
            google: vars.google(),
            quota: Quota {
                gmail_units_per_minute: vars.or("GMAIL_UNITS_PER_MINUTE", 4_500),
                gmail_project_units_per_minute: vars.or("GMAIL_PROJECT_UNITS_PER_MINUTE", 900_000),
                calendar_requests_per_minute: vars.or("CALENDAR_REQUESTS_PER_MINUTE", 450),
                calendar_project_requests_per_minute: vars.or("CALENDAR_PROJECT_REQUESTS_PER_MINUTE", 7_500),
                in_flight: vars.between("PROVIDER_IN_FLIGHT", 8, 1, 64),
            },
            breaker: Breaker {
                window: vars.secs("BREAKER_WINDOW_SECS", 30),
                least_calls: vars.or("BREAKER_LEAST_CALLS", 20),
                failed_percent: vars.between("BREAKER_FAILED_PERCENT", 50, 1, 100),
                open: vars.secs("BREAKER_OPEN_SECS", 30),
                probe: vars.secs("BREAKER_PROBE_SECS", 15),
            },
            sync: Sync {
                slice_items: vars.between("SLICE_ITEMS", 2_000, 1, 100_000),
                slice: vars.secs("SLICE_SECS", 60),
                lease: vars.secs("LEASE_SECS", 90),
                chunk_items: vars.between("CHUNK_ITEMS", 100, 1, 1_000),
                concurrency: vars.between("WORKER_CONCURRENCY", 4, 1, 256),
                sweep: Duration::from_millis(vars.or("SWEEP_MS", 5_000)),
                preview: vars.secs("PREVIEW_SECS", 3_600),
                undo_days: i32::try_from(vars.between("UNDO_DAYS", 7, 0, 365)).ok().filter(|days| *days > 0),
                preview_samples: vars.between("PREVIEW_SAMPLES", 20, 1, 20),
                max_attempts: vars.or("MAX_ATTEMPTS", 5),
            },
            images: Images { proxy: vars.or("IMAGE_PROXY", false), also: vars.networks("IMAGE_PROXY_ALSO") },
            graphql: vars.graphql(),
            metrics: Metrics { listen: vars.maybe("METRICS_LISTEN") },
            log: Log { filter: vars.or("RUST_LOG", "info".to_owned()), json: vars.or("LOG_JSON", false) },
        };
        if config.sync.lease <= config.sync.slice {
            vars.problem("LEASE_SECS", "must be longer than SLICE_SECS, or a slice outlives its own lease");
        }
        if (config.graphql.cost_per_minute as usize) < config.graphql.max_complexity {
            vars.problem(
                "GRAPHQL_COST_PER_MINUTE",
                "must be at least GRAPHQL_MAX_COMPLEXITY, or a document could never run",
            );
        }
        if vars.problems.is_empty() { Ok(config) } else { Err(vars.problems) }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        collections::{BTreeSet, HashMap},
    };

    use base64::{Engine, engine::general_purpose::STANDARD};

    use super::*;

    fn minimal() -> HashMap<&'static str, String> {
        HashMap::from([
            ("AUTH_ISSUER", "https://issuer.example".to_owned()),
            ("AUTH_SECRET", "0123456789abcdef0123456789abcdef".to_owned()),
            ("REDIS_URL", "redis://127.0.0.1:6379/0".to_owned()),
            ("OMNISYNC_KEYS", format!("k1:{}", STANDARD.encode((0..32).collect::<Vec<u8>>()))),
            ("GOOGLE_CLIENT_ID", "client".to_owned()),
            ("GOOGLE_CLIENT_SECRET", "secret".to_owned()),
        ])
    }

    fn problems(change: (&'static str, &str)) -> Vec<&'static str> {
        let mut vars = minimal();
        vars.insert(change.0, change.1.to_owned());
        match Config::from_vars(|name| vars.get(name).cloned()) {
            Ok(_) => Vec::new(),
            Err(problems) => problems.into_iter().map(|problem| problem.variable).collect(),
        }
    }

    #[test]
    fn the_minimum_is_enough() {
        assert_eq!(problems(("HTTP_LISTEN", "")), [""; 0]);
    }

    #[test]
    fn each_bad_value_is_named() {
        for (name, value) in [
            ("HTTP_LISTEN", "nowhere"),
            ("METRICS_LISTEN", "9100"),
            ("BREAKER_FAILED_PERCENT", "0"),
            ("PUBLIC_URL", "http://example.com"),
            ("GOOGLE_TOKEN_URL", "http://10.0.0.1/token"),
            ("AUTH_SECRET", "short"),
            ("OMNISYNC_KEYS", "k1:AAAA"),
            ("OMNISYNC_KEYS", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="),
            ("SLICE_ITEMS", "0"),
            ("LEASE_SECS", "60"),
            ("GRAPHQL_COST_PER_MINUTE", "4999"),
            ("GOOGLE_CLIENT_ID", ""),
        ] {
            assert_eq!(problems((name, value)), [name], "{name}={value}");
        }
    }

    /// The entries of the sample: variable, value, and whether the line is commented out.
    fn sample() -> Vec<(&'static str, &'static str, bool)> {
        let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_');
        let entry = |line: &'static str| {
            let (text, commented) = line.strip_prefix("# ").map_or((line, false), |text| (text, true));
            let (name, value) = text.split_once('=')?;
            is_name(name).then_some((name, value, commented))
        };
        include_str!("../.env.sample").lines().filter_map(entry).collect()
    }

    #[test]
    fn the_sample_has_every_variable() {
        let read = RefCell::new(BTreeSet::new());
        let nothing = Config::from_vars(|name| {
            read.borrow_mut().insert(name.to_owned());
            None
        });
        assert!(nothing.is_err());
        assert_eq!(sample().iter().map(|(name, ..)| (*name).to_owned()).collect::<BTreeSet<_>>(), read.into_inner());
    }

    #[test]
    fn what_the_sample_comments_out_is_the_default() {
        let mut vars = minimal();
        let defaults = Config::from_vars(|name| vars.get(name).cloned()).unwrap();
        let commented = sample().into_iter().filter(|(_, value, commented)| *commented && !value.is_empty());
        vars.extend(commented.map(|(name, value, _)| (name, value.to_owned())));
        let sampled = Config::from_vars(|name| vars.get(name).cloned()).unwrap();
        assert_eq!(format!("{sampled:#?}"), format!("{defaults:#?}"));
    }

    #[test]
    fn secrets_do_not_show_in_debug_output() {
        let vars = minimal();
        let config = Config::from_vars(|name| vars.get(name).cloned()).unwrap();
        let shown = format!("{config:?}");
        assert!(!shown.contains("0123456789abcdef"), "{shown}");
        assert!(shown.contains("k1"), "{shown}");
    }
}
