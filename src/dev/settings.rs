//! The settings of `omnisync dev`: what a deployment would put into the environment, made up once and kept.

use std::{
    collections::HashMap, fs, io, io::Write, net::SocketAddr, os::unix::fs::OpenOptionsExt, path::Path, time::Duration,
};

use anyhow::Context;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    config::{Config, Google},
    http::auth,
    seal,
};

/// Who issues the ready-made sign-in.
const ISSUER: &str = "omnisync-dev";
/// Whom it is for.
const AUDIENCE: &str = "omnisync";
/// The id of our OAuth client at the sandbox Google.
const CLIENT_ID: &str = "omnisync-dev";

/// Made up at the first start, kept for the next ones: with other keys, what is stored could not be opened.
#[derive(Serialize, Deserialize)]
struct Kept {
    wrapping_key: String,
    auth_secret: String,
    client_secret: String,
    role_password: String,
}

fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Writes the file whole or not at all: half of it, left by a crash, would be in the way of every later start.
fn keep(kept: &Kept, path: &Path) -> anyhow::Result<()> {
    let unfinished = path.with_extension("new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&serde_json::to_vec_pretty(kept)?)?;
    file.sync_all()?;
    Ok(fs::rename(unfinished, path)?)
}

/// The settings of one start.
pub(super) struct Settings {
    kept: Kept,
    /// What stands in for the environment.
    vars: HashMap<String, String>,
}

impl Settings {
    /// Reads what was kept in the folder, or makes it up.
    #[expect(clippy::disallowed_methods, reason = "`dev` lays its settings under what the environment says")]
    pub(super) fn open(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join("secrets.json");
        let kept = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).with_context(|| format!("reading {}", path.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let kept = Kept {
                    wrapping_key: seal::fresh_key(),
                    auth_secret: random(),
                    client_secret: random(),
                    role_password: random(),
                };
                keep(&kept, &path).with_context(|| format!("writing {}", path.display()))?;
                kept
            }
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        };
        Ok(Self { kept, vars: std::env::vars().collect() })
    }

    /// Whether the environment leaves us to start servers of our own.
    pub(super) fn wants_services(&self) -> bool {
        !(self.vars.contains_key("DATABASE_URL") && self.vars.contains_key("REDIS_URL"))
    }

    pub(super) fn use_services(&mut self, database_url: &SecretString, redis_url: &SecretString) {
        for (name, url) in [("DATABASE_URL", database_url), ("REDIS_URL", redis_url)] {
            self.vars.entry(name.to_owned()).or_insert_with(|| url.expose_secret().to_owned());
        }
    }

    pub(super) fn google_client(&self) -> (&str, &str) {
        (CLIENT_ID, &self.kept.client_secret)
    }

    /// The configuration: the environment's word counts, and what it leaves out is made up here.
    pub(super) fn config(&self, listen: SocketAddr, public_url: &str, google: &Url) -> anyhow::Result<Config> {
        let mut defaults = HashMap::from([
            ("HTTP_LISTEN", listen.to_string()),
            ("PUBLIC_URL", public_url.to_owned()),
            ("GRAPHIQL", "true".to_owned()),
            ("GRAPHQL_INTROSPECTION", "true".to_owned()),
            ("AUTH_ISSUER", ISSUER.to_owned()),
            ("AUTH_AUDIENCE", AUDIENCE.to_owned()),
            ("AUTH_SECRET", self.kept.auth_secret.clone()),
            ("OMNISYNC_KEYS", self.kept.wrapping_key.clone()),
            ("GOOGLE_CLIENT_ID", CLIENT_ID.to_owned()),
            ("GOOGLE_CLIENT_SECRET", self.kept.client_secret.clone()),
            // The sandbox has no quota: fast enough to wait for, slow enough to watch.
            ("GMAIL_UNITS_PER_MINUTE", "120000".to_owned()),
            ("CALENDAR_REQUESTS_PER_MINUTE", "6000".to_owned()),
            ("RUST_LOG", "warn".to_owned()),
        ]);
        defaults.extend(Google::vars_under(google.as_str()));
        let owner = self.vars.get("DATABASE_URL").context("DATABASE_URL is not set")?;
        for (variable, role) in [
            ("API_DATABASE_URL", "omnisync_api"),
            ("WORKER_DATABASE_URL", "omnisync_worker"),
            ("SCHEDULER_DATABASE_URL", "omnisync_scheduler"),
        ] {
            defaults.insert(variable, role_url(owner, role, &self.kept.role_password)?);
        }
        let lookup = |name: &str| self.vars.get(name).cloned().or_else(|| defaults.get(name).cloned());
        Config::from_vars(lookup).map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("the configuration cannot be used:\n  {}", lines.join("\n  "))
        })
    }

    /// A sign-in that works for a month.
    pub(super) fn sign_in(&self, subject: &str, now: DateTime<Utc>) -> anyhow::Result<String> {
        let secret = SecretString::from(self.kept.auth_secret.clone());
        auth::issue(&secret, ISSUER, AUDIENCE, subject, Duration::from_secs(30 * 86_400), now)
    }
}

/// The same database, as another role.
pub(crate) fn role_url(owner: &str, role: &str, password: &str) -> anyhow::Result<String> {
    let mut url = Url::parse(owner).context("DATABASE_URL is no URL")?;
    let set = url.set_username(role).and_then(|()| url.set_password(Some(password)));
    set.map_err(|()| anyhow::anyhow!("DATABASE_URL names no host"))?;
    Ok(url.into())
}
