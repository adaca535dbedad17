//! Variables as they are read: one by one, with everything that is wrong with them gathered.

use std::{fmt::Display, str::FromStr, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use secrecy::SecretString;
use url::Url;
use zeroize::Zeroizing;

use super::{AuthKey, Database, Google, GraphQl, Problem};

/// Reads variables and gathers what is wrong with them.
pub(super) struct Vars<'a> {
    pub(super) lookup: &'a dyn Fn(&str) -> Option<String>,
    pub(super) problems: Vec<Problem>,
}

impl Vars<'_> {
    pub(super) fn problem(&mut self, variable: &'static str, problem: impl Into<String>) {
        self.problems.push(Problem { variable, problem: problem.into() });
    }

    fn find(&self, name: &'static str) -> Option<String> {
        (self.lookup)(name).filter(|value| !value.trim().is_empty())
    }

    pub(super) fn required(&mut self, name: &'static str, meaning: &str) -> String {
        self.find(name).unwrap_or_else(|| {
            self.problem(name, format!("is not set; it must hold {meaning}"));
            String::new()
        })
    }

    pub(super) fn or<T: FromStr<Err: Display>>(&mut self, name: &'static str, default: T) -> T {
        self.maybe(name).unwrap_or(default)
    }

    /// `None` when it is absent, or cannot be read and has been noted as a problem.
    pub(super) fn maybe<T: FromStr<Err: Display>>(&mut self, name: &'static str) -> Option<T> {
        match self.find(name)?.trim().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(name, format!("cannot be read: {error}"));
                None
            }
        }
    }

    pub(super) fn between(&mut self, name: &'static str, default: usize, least: usize, most: usize) -> usize {
        let value = self.or(name, default);
        if !(least..=most).contains(&value) {
            self.problem(name, format!("must be between {least} and {most}"));
        }
        value
    }

    pub(super) fn secs(&mut self, name: &'static str, default: u64) -> Duration {
        Duration::from_secs(self.or(name, default))
    }

    pub(super) fn networks(&mut self, name: &'static str) -> Vec<IpNet> {
        let read: Result<_, _> = self.list(name).iter().map(|net| net.parse()).collect();
        read.unwrap_or_else(|_| {
            self.problem(name, "must hold networks, as in 10.0.0.0/8, comma separated");
            Vec::new()
        })
    }

    pub(super) fn list(&mut self, name: &'static str) -> Vec<String> {
        let value = self.find(name).unwrap_or_default();
        value.split(',').map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
    }

    pub(super) fn secret(&mut self, name: &'static str) -> Option<SecretString> {
        self.find(name).map(SecretString::from)
    }

    /// A URL that may carry secrets or tokens: https, or http to this machine only.
    pub(super) fn url_or(&mut self, name: &'static str, default: &str) -> Url {
        let url = self.or(name, Url::parse(default).expect("every default is a URL"));
        let loopback = match url.host() {
            Some(url::Host::Domain(domain)) => domain == "localhost",
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if url.scheme() != "https" && !(url.scheme() == "http" && loopback) {
            self.problem(name, "must be an https address; http is allowed to this machine only");
        }
        url
    }

    pub(super) fn database(&mut self) -> Database {
        Database {
            owner_url: self.secret("DATABASE_URL"),
            api_url: self.secret("API_DATABASE_URL"),
            worker_url: self.secret("WORKER_DATABASE_URL"),
            scheduler_url: self.secret("SCHEDULER_DATABASE_URL"),
            pool_size: self.or("DATABASE_POOL_SIZE", 16),
            statement_timeout: self.secs("DATABASE_STATEMENT_TIMEOUT_SECS", 15),
        }
    }

    pub(super) fn graphql(&mut self) -> GraphQl {
        let usual = GraphQl::default();
        GraphQl {
            max_depth: self.or("GRAPHQL_MAX_DEPTH", usual.max_depth),
            max_tokens: self.or("GRAPHQL_MAX_TOKENS", usual.max_tokens),
            max_aliases: self.or("GRAPHQL_MAX_ALIASES", usual.max_aliases),
            max_complexity: self.or("GRAPHQL_MAX_COMPLEXITY", usual.max_complexity),
            cost_per_minute: self.or("GRAPHQL_COST_PER_MINUTE", usual.cost_per_minute),
            max_running: self.or("GRAPHQL_MAX_RUNNING", usual.max_running),
            max_subscriptions: self.or("GRAPHQL_MAX_SUBSCRIPTIONS", usual.max_subscriptions),
            trusted_documents: self.maybe("GRAPHQL_TRUSTED_DOCUMENTS"),
            introspection: self.or("GRAPHQL_INTROSPECTION", usual.introspection),
            ws_init: self.secs("WS_INIT_SECS", usual.ws_init.as_secs()),
            ws_ping: self.secs("WS_PING_SECS", usual.ws_ping.as_secs()),
            ws_max_operations: self.or("WS_MAX_OPERATIONS", usual.ws_max_operations),
        }
    }

    pub(super) fn auth_key(&mut self) -> AuthKey {
        match (self.find("AUTH_JWKS_URL"), self.find("AUTH_SECRET")) {
            (Some(_), None) => AuthKey::Jwks(self.url_or("AUTH_JWKS_URL", "https://invalid.invalid/")),
            (None, Some(secret)) => {
                if secret.len() < 32 {
                    self.problem("AUTH_SECRET", "must be at least 32 bytes");
                }
                AuthKey::Secret(secret.into())
            }
            (Some(_), Some(_)) => {
                self.problem("AUTH_SECRET", "and AUTH_JWKS_URL are both set; set the one that verifies your tokens");
                AuthKey::Secret(SecretString::default())
            }
            (None, None) => {
                self.problem("AUTH_JWKS_URL", "is not set; set it, or AUTH_SECRET, to verify your users' tokens");
                AuthKey::Secret(SecretString::default())
            }
        }
    }

    pub(super) fn keys(&mut self) -> Vec<(String, Zeroizing<[u8; 32]>)> {
        const NAME: &str = "OMNISYNC_KEYS";
        let value = Zeroizing::new(self.required(NAME, "id:base64 pairs of 32-byte keys; `omnisync keys` prints one"));
        let mut keys: Vec<(String, Zeroizing<[u8; 32]>)> = Vec::new();
        for pair in value.split(',').filter(|pair| !pair.trim().is_empty()) {
            let Some((id, encoded)) = pair.trim().split_once(':') else {
                self.problem(NAME, "holds an entry without a colon; each must read id:base64");
                continue;
            };
            let decoded = Zeroizing::new(STANDARD.decode(encoded).unwrap_or_default());
            let Ok(key) = <[u8; 32]>::try_from(decoded.as_slice()) else {
                self.problem(NAME, format!("key {id:?} is not 32 bytes of base64"));
                continue;
            };
            if key.iter().all(|byte| *byte == key[0]) {
                self.problem(NAME, format!("key {id:?} is one byte repeated, which is no key"));
            }
            if id.is_empty() || id.len() > 32 || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                self.problem(NAME, "holds a key id that is not 1 to 32 letters, digits or hyphens");
            }
            if keys.iter().any(|(known, _)| known == id) {
                self.problem(NAME, format!("names key {id:?} twice"));
            }
            keys.push((id.to_owned(), Zeroizing::new(key)));
        }
        keys
    }

    pub(super) fn google(&mut self) -> Google {
        const CONSOLE: &str = "the OAuth client of your Google Cloud project";
        Google {
            client_id: self.required("GOOGLE_CLIENT_ID", CONSOLE),
            client_secret: self.required("GOOGLE_CLIENT_SECRET", CONSOLE).into(),
            auth_url: self.url_or("GOOGLE_AUTH_URL", "https://accounts.google.com/o/oauth2/v2/auth"),
            token_url: self.url_or("GOOGLE_TOKEN_URL", "https://oauth2.googleapis.com/token"),
            revoke_url: self.url_or("GOOGLE_REVOKE_URL", "https://oauth2.googleapis.com/revoke"),
            jwks_url: self.url_or("GOOGLE_JWKS_URL", "https://www.googleapis.com/oauth2/v3/certs"),
            issuer: self.or("GOOGLE_ISSUER", "https://accounts.google.com".to_owned()),
            gmail_url: self.url_or("GOOGLE_GMAIL_URL", "https://gmail.googleapis.com/"),
            calendar_url: self.url_or("GOOGLE_CALENDAR_URL", "https://www.googleapis.com/calendar/v3/"),
            timeout: self.secs("GOOGLE_TIMEOUT_SECS", 10),
            body_timeout: self.secs("GOOGLE_BODY_TIMEOUT_SECS", 60),
        }
    }
}
