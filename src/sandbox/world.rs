//! Everything the sandbox knows, behind locks that no request holds for long.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use url::Url;

use super::{
    behaviour::Behaviour,
    calendar::{Calendar, Calendars},
    clock::VirtualClock,
    envelope::{ApiError, ApiResult},
    error::Error,
    faults::Faults,
    generate,
    gmail::{Alias, Id, Incoming, Mailbox, Threading},
    journal::Journal,
    load::{self, Loaded},
    lock::{Exclusive, Shared},
    oauth::{Authority, Bearer, GrantChange, OAuthClient, SigningKeys},
    quota::Ledger,
    rng::digest64,
    state::{Change, Log, Record},
};

pub(super) type SharedWorld = Arc<World>;

/// One invented person.
#[derive(Debug)]
pub(super) struct Account {
    pub email: String,
    pub name: String,
    /// The permanent id, 21 digits as Google's.
    pub sub: String,
    pub mailbox: Shared<Mailbox>,
    /// Addresses beside `email` that it may send from.
    pub aliases: Shared<Vec<Alias>>,
    pub calendars: Shared<Calendars>,
    /// Seeds the content was generated from; each is generated once.
    seeds: Exclusive<BTreeSet<u64>>,
}

impl Account {
    fn new(email: &str, name: &str) -> Self {
        Self {
            email: email.to_owned(),
            name: name.to_owned(),
            sub: format!("1{:020}", digest64(&[b"sub", email.as_bytes()])),
            mailbox: Shared::new(Mailbox::new(email)),
            aliases: Shared::default(),
            calendars: Shared::new(Calendars::new(email)),
            seeds: Exclusive::default(),
        }
    }
}

/// What applying a change made.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    /// The id of the message or event made.
    pub id: String,
    /// What loading brought in.
    pub loaded: Loaded,
}

/// The sandbox's whole state.
#[derive(Debug)]
pub(super) struct World {
    pub clock: VirtualClock,
    pub authority: Authority,
    pub keys: SigningKeys,
    pub journal: Journal,
    pub faults: Faults,
    pub ledger: Ledger,
    pub behaviour: Shared<Behaviour>,
    root: Url,
    accounts: Shared<BTreeMap<String, Arc<Account>>>,
    loud: Exclusive<Vec<String>>,
    log: Exclusive<Log>,
}

impl World {
    /// A world at `root`, with everything that `records` say has happened.
    pub(super) fn new(root: Url, clients: Vec<OAuthClient>, log: Log, records: &[Record]) -> Result<Self, Error> {
        let world = Self {
            clock: VirtualClock::default(),
            authority: Authority::new(clients),
            keys: SigningKeys::generate()?,
            journal: Journal::default(),
            faults: Faults::default(),
            ledger: Ledger::default(),
            behaviour: Shared::default(),
            root,
            accounts: Shared::default(),
            loud: Exclusive::default(),
            log: Exclusive::new(log),
        };
        for record in records {
            world.apply(record)?;
        }
        Ok(world)
    }

    pub(super) fn root(&self) -> &Url {
        &self.root
    }

    /// The root without its slash.
    pub(super) fn issuer(&self) -> String {
        self.root.as_str().trim_end_matches('/').to_owned()
    }

    pub(super) fn account(&self, email: &str) -> Option<Arc<Account>> {
        self.accounts.read().get(&email.to_lowercase()).cloned()
    }

    pub(super) fn accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.read().values().cloned().collect()
    }

    pub(super) fn known_account(&self, email: &str) -> Result<Arc<Account>, Error> {
        self.account(email).ok_or_else(|| Error::UnknownAccount(email.to_owned()))
    }

    /// Whom the request's bearer token speaks for.
    pub(super) fn authenticate(&self, headers: &HeaderMap) -> ApiResult<Arc<Bearer>> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let (scheme, token) = header.and_then(|value| value.split_once(' ')).ok_or_else(ApiError::unauthenticated)?;
        let bearer = self.authority.bearer(token.trim(), self.clock.now());
        bearer.filter(|_| scheme.eq_ignore_ascii_case("bearer")).ok_or_else(ApiError::unauthenticated)
    }

    /// Remembers search operators that Gmail does not have.
    pub(super) fn note_loud(&self, operators: &[String]) {
        if !operators.is_empty() {
            self.loud.lock().extend(operators.iter().cloned());
        }
    }

    pub(super) fn loud(&self) -> Vec<String> {
        self.loud.lock().clone()
    }

    /// Makes a change and keeps it in the state file.
    pub(super) fn commit(&self, change: Change) -> Result<Outcome, Error> {
        // Held over both, so that the log has the order in which things happened.
        let mut log = self.log.lock();
        let record = Record { at: self.clock.now(), change };
        let outcome = self.apply(&record)?;
        log.append(&record)?;
        Ok(outcome)
    }

    pub(super) fn commit_grant(&self, change: GrantChange) -> Result<(), Error> {
        self.commit(Change::Grant(change)).map(drop)
    }

    fn apply(&self, record: &Record) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        match &record.change {
            Change::Advance { ms } => self.clock.advance_ms(*ms),
            Change::Grant(change) => self.authority.apply(change, record.at),
            Change::AddAccount { email, name } => {
                let make = || Arc::new(Account::new(email, name));
                let mut accounts = self.accounts.write();
                outcome.id = accounts.entry(email.to_lowercase()).or_insert_with(make).sub.clone();
            }
            Change::AddAlias { email, alias } => self.known_account(email)?.aliases.write().push(alias.clone()),
            Change::Generate { email, generate } => {
                let account = self.known_account(email)?;
                if account.seeds.lock().insert(generate.seed) {
                    generate::fill(&account, generate)?;
                }
            }
            Change::Load { email, path } => outcome.loaded = load::load(&*self.known_account(email)?, path, record.at)?,
            change => {
                outcome.id = self
                    .apply_mail(change, record.at)
                    .or_else(|| self.apply_calendar(change, record.at))
                    .transpose()?
                    .unwrap_or_default()
            }
        }
        Ok(outcome)
    }

    /// Changes to mail; `None` for any other change.
    fn apply_mail(&self, change: &Change, at: DateTime<Utc>) -> Option<Result<String, Error>> {
        let unknown = |id: &str| Error::UnknownMessage(id.to_owned());
        let in_mailbox = |email: &str, act: &dyn Fn(&mut Mailbox) -> Result<String, Error>| {
            let account = self.known_account(email)?;
            let mut mailbox = account.mailbox.write();
            mailbox.set_now(at);
            act(&mut mailbox)
        };
        Some(match change {
            Change::Deliver { email, raw, labels, internal_date, thread } => in_mailbox(email, &|mailbox| {
                let incoming = Incoming {
                    raw: raw.clone(),
                    labels: labels.clone(),
                    internal_date: internal_date.timestamp_millis(),
                    thread: thread.as_deref().and_then(Id::parse).map_or(Threading::ByReferences, Threading::Known),
                    message_id: None,
                };
                Ok(mailbox.deliver(incoming).to_string())
            }),
            Change::ModifyLabels { email, id, add, remove } => in_mailbox(email, &|mailbox| {
                let message = Id::parse(id).ok_or_else(|| unknown(id))?;
                mailbox.modify_labels(message, add, remove).ok_or_else(|| unknown(id))?;
                Ok(id.clone())
            }),
            Change::RenameLabel { email, id, name } => in_mailbox(email, &|mailbox| {
                mailbox.rename_label(id, name);
                Ok(id.clone())
            }),
            Change::Delete { email, id } => in_mailbox(email, &|mailbox| {
                Id::parse(id).and_then(|message| mailbox.delete(message)).ok_or_else(|| unknown(id))?;
                Ok(id.clone())
            }),
            Change::ExpireHistory { email } => in_mailbox(email, &|mailbox| {
                mailbox.expire_history();
                Ok(String::new())
            }),
            _ => return None,
        })
    }

    /// Changes to calendars; `None` for any other change.
    fn apply_calendar(&self, change: &Change, at: DateTime<Utc>) -> Option<Result<String, Error>> {
        let unknown = |id: &str| Error::UnknownCalendar(id.to_owned());
        let in_all = |email: &str, act: &dyn Fn(&mut Calendars) -> Result<String, Error>| {
            act(&mut self.known_account(email)?.calendars.write())
        };
        let in_one = |email: &str, id: &str, act: &dyn Fn(&mut Calendar) -> Result<String, Error>| {
            in_all(email, &|calendars| act(calendars.find_mut(id).ok_or_else(|| unknown(id))?))
        };
        Some(match change {
            Change::AddCalendar { email, calendar } => in_all(email, &|calendars| {
                calendars.add(calendar.clone());
                Ok(calendar.id.clone())
            }),
            Change::DeleteCalendar { email, calendar } => in_all(email, &|calendars| {
                calendars.delete(calendar).ok_or_else(|| unknown(calendar))?;
                Ok(String::new())
            }),
            Change::InvalidateSyncTokens { email } => in_all(email, &|calendars| {
                calendars.invalidate_sync_tokens();
                Ok(String::new())
            }),
            Change::PutEvent { email, calendar, event } => in_one(email, calendar, &|own| own.put(event, at)),
            Change::MoveEvent { email, calendar, event, start, end } => {
                in_one(email, calendar, &|own| own.move_to(event, *start, *end, at).map(|()| event.clone()))
            }
            Change::CancelEvent { email, calendar, event } => {
                in_one(email, calendar, &|own| own.cancel(event, at).map(|()| event.clone()))
            }
            Change::CancelInstance { email, calendar, event, original_start } => {
                in_one(email, calendar, &|own| own.cancel_instance(event, *original_start, at).map(|()| event.clone()))
            }
            _ => return None,
        })
    }
}

/// A value nobody can guess: `prefix` and so many random bytes.
pub(super) fn random_token(prefix: &str, n_bytes: usize) -> String {
    let mut bytes = vec![0; n_bytes];
    rand::fill(bytes.as_mut_slice());
    format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes))
}
