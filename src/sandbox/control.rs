//! The control plane: what a test, or the one-machine mode, does to people's mail and meetings from inside the process.
//! `conditions` is its other half.

use std::path::Path;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

use super::{
    calendar::{Calendar, NewCalendar},
    error::Error,
    generate::Generate,
    gmail::{Alias, Stored, search},
    load::Loaded,
    state::Change,
    world::SharedWorld,
};

/// Steers one sandbox; cheap to clone.
///
/// Every change takes effect before the call returns and is kept in the state file, if there is one. Accounts are named
/// by their address, calendars by their id or `primary`, labels by id or name (a new name makes a user label).
#[derive(Clone, Debug)]
pub struct Control {
    pub(super) world: SharedWorld,
}

/// One account, for people and for finding out whether a restart brought it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountInfo {
    /// Its address.
    pub email: String,
    /// Its owner's name.
    pub name: String,
    /// The permanent id in identity tokens.
    pub sub: String,
    /// Messages in the mailbox, Spam and Trash included.
    pub n_messages: usize,
    /// Events of all calendars as stored: masters, singles, exceptions, cancelled ones.
    pub n_events: usize,
}

/// How a mail is delivered.
#[derive(Clone, Debug)]
pub struct Deliver {
    /// Its labels. Defaults to `INBOX`, `UNREAD` and `CATEGORY_PERSONAL`.
    pub labels: Vec<String>,
    /// When Google accepted it; now, when absent.
    pub internal_date: Option<DateTime<Utc>>,
    /// The thread's id; found by References and subject, when absent.
    pub thread: Option<String>,
}

impl Default for Deliver {
    fn default() -> Self {
        let labels = ["INBOX", "UNREAD", "CATEGORY_PERSONAL"].map(str::to_owned).into();
        Self { labels, internal_date: None, thread: None }
    }
}

/// One message as it really is, to compare with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truth {
    /// 16 hex digits.
    pub id: String,
    /// The thread's id.
    pub thread_id: String,
    /// Label ids, sorted.
    pub labels: Vec<String>,
    /// When Google accepted it, in milliseconds since 1970.
    pub internal_date: i64,
    /// The mailbox's history id when the message last changed.
    pub history_id: u64,
    /// Carries `TRASH`.
    pub is_trashed: bool,
    /// The bytes as received.
    pub raw: Bytes,
}

impl From<&Stored> for Truth {
    fn from(mail: &Stored) -> Self {
        Self {
            id: mail.id.to_string(),
            thread_id: mail.thread.to_string(),
            labels: mail.labels.clone(),
            internal_date: mail.internal_date,
            history_id: mail.history_id,
            is_trashed: mail.has_label("TRASH"),
            raw: mail.content.raw.clone(),
        }
    }
}

impl Control {
    pub(super) fn new(world: SharedWorld) -> Self {
        Self { world }
    }

    /// The sandbox's current time.
    pub fn now(&self) -> DateTime<Utc> {
        self.world.clock.now()
    }

    /// Moves the sandbox's clock.
    pub fn advance(&self, by: TimeDelta) -> Result<(), Error> {
        self.world.commit(Change::Advance { ms: by.num_milliseconds() }).map(drop)
    }

    /// Adds an account with an empty mailbox and a primary calendar, and returns its `sub`. One that is there stays as it is.
    pub fn add_account(&self, email: &str, name: &str) -> Result<String, Error> {
        let change = Change::AddAccount { email: email.to_owned(), name: name.to_owned() };
        Ok(self.world.commit(change)?.id)
    }

    /// Adds an address that the account's owner may send from, or wants to.
    pub fn add_alias(&self, email: &str, alias: Alias) -> Result<(), Error> {
        self.world.commit(Change::AddAlias { email: email.to_owned(), alias }).map(drop)
    }

    /// All accounts, by address.
    pub fn accounts(&self) -> Vec<AccountInfo> {
        let info = |account: std::sync::Arc<super::world::Account>| AccountInfo {
            email: account.email.clone(),
            name: account.name.clone(),
            sub: account.sub.clone(),
            n_messages: account.mailbox.read().len(),
            n_events: account.calendars.read().all().iter().map(Calendar::n_events).sum(),
        };
        self.world.accounts().into_iter().map(info).collect()
    }

    /// Fills the account with believable mail and meetings. The same seed does nothing the second time, so that a program
    /// that does this at every start finds the account as it left it.
    pub fn generate(&self, email: &str, generate: &Generate) -> Result<(), Error> {
        self.world.commit(Change::Generate { email: email.to_owned(), generate: generate.clone() }).map(drop)
    }

    /// Loads mail and calendar files from a file or folder, bytes unchanged.
    pub fn load(&self, email: &str, path: &Path) -> Result<Loaded, Error> {
        Ok(self.world.commit(Change::Load { email: email.to_owned(), path: path.to_owned() })?.loaded)
    }

    /// Delivers a mail and returns its id.
    pub fn deliver(&self, email: &str, raw_rfc822: &[u8], deliver: Deliver) -> Result<String, Error> {
        let change = Change::Deliver {
            email: email.to_owned(),
            raw: Bytes::copy_from_slice(raw_rfc822),
            labels: deliver.labels,
            internal_date: deliver.internal_date.unwrap_or_else(|| self.now()),
            thread: deliver.thread,
        };
        Ok(self.world.commit(change)?.id)
    }

    /// Adds and removes labels of one message.
    pub fn modify_labels(&self, email: &str, id: &str, add: &[&str], remove: &[&str]) -> Result<(), Error> {
        let owned = |labels: &[&str]| labels.iter().map(|label| (*label).to_owned()).collect();
        let change =
            Change::ModifyLabels { email: email.to_owned(), id: id.to_owned(), add: owned(add), remove: owned(remove) };
        self.world.commit(change).map(drop)
    }

    /// Renames a user label; its id stays.
    pub fn rename_label(&self, email: &str, id: &str, name: &str) -> Result<(), Error> {
        let change = Change::RenameLabel { email: email.to_owned(), id: id.to_owned(), name: name.to_owned() };
        self.world.commit(change).map(drop)
    }

    /// Moves a message to the trash: `TRASH` comes, `INBOX` and `SPAM` go.
    pub fn trash(&self, email: &str, id: &str) -> Result<(), Error> {
        self.modify_labels(email, id, &["TRASH"], &["INBOX", "SPAM"])
    }

    /// Deletes a message for good.
    pub fn delete(&self, email: &str, id: &str) -> Result<(), Error> {
        self.world.commit(Change::Delete { email: email.to_owned(), id: id.to_owned() }).map(drop)
    }

    /// Adds a calendar to the account's list.
    pub fn add_calendar(&self, email: &str, calendar: NewCalendar) -> Result<(), Error> {
        self.world.commit(Change::AddCalendar { email: email.to_owned(), calendar }).map(drop)
    }

    /// Makes an event of Google's JSON, or changes the one whose `id` it carries, and returns its id.
    pub fn put_event(&self, email: &str, calendar: &str, event: Value) -> Result<String, Error> {
        let change = Change::PutEvent { email: email.to_owned(), calendar: calendar.to_owned(), event };
        Ok(self.world.commit(change)?.id)
    }

    /// Moves an event, or one instance of a recurring one, to other times.
    pub fn move_event(
        &self,
        email: &str,
        calendar: &str,
        event: &str,
        start: DateTime<Utc>,
        end: DateTime<Utc>,
    ) -> Result<(), Error> {
        let (email, calendar, event) = (email.to_owned(), calendar.to_owned(), event.to_owned());
        self.world.commit(Change::MoveEvent { email, calendar, event, start, end }).map(drop)
    }

    /// Cancels an event; a recurring one with all its instances.
    pub fn cancel_event(&self, email: &str, calendar: &str, event: &str) -> Result<(), Error> {
        let (email, calendar, event) = (email.to_owned(), calendar.to_owned(), event.to_owned());
        self.world.commit(Change::CancelEvent { email, calendar, event }).map(drop)
    }

    /// Cancels the instance of a recurring event that was to start then.
    pub fn cancel_instance(
        &self,
        email: &str,
        calendar: &str,
        event: &str,
        original_start: DateTime<Utc>,
    ) -> Result<(), Error> {
        let (email, calendar, event) = (email.to_owned(), calendar.to_owned(), event.to_owned());
        self.world.commit(Change::CancelInstance { email, calendar, event, original_start }).map(drop)
    }

    /// Takes a calendar off the list.
    pub fn delete_calendar(&self, email: &str, calendar: &str) -> Result<(), Error> {
        let change = Change::DeleteCalendar { email: email.to_owned(), calendar: calendar.to_owned() };
        self.world.commit(change).map(drop)
    }

    /// Search operators that clients used and Gmail does not have, as `operator:value`.
    pub fn loud(&self) -> Vec<String> {
        self.world.loud()
    }

    /// Every message, newest first, Spam and Trash included.
    pub fn messages(&self, email: &str) -> Result<Vec<Truth>, Error> {
        let account = self.world.known_account(email)?;
        let mailbox = account.mailbox.read();
        Ok(mailbox.newest_first(None).map(Truth::from).collect())
    }

    /// The ids that `messages.list` would give for `q` over all its pages.
    pub fn search(&self, email: &str, q: &str) -> Result<Vec<String>, Error> {
        let account = self.world.known_account(email)?;
        let (found, _) = search(&account.mailbox.read(), q, self.now());
        Ok(found.into_iter().map(|id| id.to_string()).collect())
    }

    /// Every event of a calendar as stored: masters, singles, exceptions, cancelled ones.
    pub fn events(&self, email: &str, calendar: &str) -> Result<Vec<Value>, Error> {
        let account = self.world.known_account(email)?;
        let calendars = account.calendars.read();
        let found = calendars.find(calendar).ok_or_else(|| Error::UnknownCalendar(calendar.to_owned()))?;
        Ok(found.events().collect())
    }

    /// The ids of the account's calendars, the primary one first.
    pub fn calendars(&self, email: &str) -> Result<Vec<String>, Error> {
        let account = self.world.known_account(email)?;
        Ok(account.calendars.read().all().iter().filter_map(Calendar::id).collect())
    }
}
