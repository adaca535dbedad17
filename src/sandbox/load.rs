//! Loads mail and calendar files from disk.

use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    calendar::{Calendars, NewCalendar},
    error::Error,
    gmail::{Content, Incoming, Threading},
    ics, mbox,
    rng::digest64,
    world::Account,
};

/// What loading brought in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Messages delivered.
    pub messages: usize,
    /// Events stored.
    pub events: usize,
    /// Files, or parts of calendar files, that were left out, and why.
    pub skipped: Vec<(PathBuf, String)>,
}

/// Where mail without a usable date is put: somewhere in the year after this moment, by its bytes (2001-01-01, in ms).
const UNDATED_FROM_MS: i64 = 978_307_200_000;
const YEAR_MS: u64 = 31_536_000_000;
/// Dates after this are no dates (2100-01-01, in ms).
const LATEST_MS: i64 = 4_102_444_800_000;

/// Loads a file, or a folder with all that is in it, in the order of their names.
pub(super) fn load(account: &Account, path: &Path, at: DateTime<Utc>) -> Result<Loaded, Error> {
    let mut files = Vec::new();
    walk(path, &mut files)?;
    let mut loaded = Loaded::default();
    let mut mails = Vec::new();
    for file in files {
        let bytes = fs::read(&file).map_err(|source| Error::File { path: file.clone(), source })?;
        if let Err(reason) = sort_out(account, &file, bytes, at, &mut mails, &mut loaded) {
            loaded.skipped.push((file, reason.to_owned()));
        }
    }
    // Oldest first, as they came: a reply finds the mail it answers.
    mails.sort_by_key(|mail| mail.internal_date);
    loaded.messages = mails.len();
    let mut mailbox = account.mailbox.write();
    mailbox.set_now(at);
    for mail in mails {
        mailbox.deliver(mail);
    }
    Ok(loaded)
}

fn walk(path: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let failed = |source| Error::File { path: path.to_owned(), source };
    if !fs::metadata(path).map_err(failed)?.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let entries: Result<Vec<PathBuf>, _> =
        fs::read_dir(path).map_err(failed)?.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut entries = entries.map_err(failed)?;
    entries.sort();
    entries.iter().try_for_each(|entry| walk(entry, files))
}

/// Turns one file into mails or events, or says why it is neither.
fn sort_out(
    account: &Account,
    file: &Path,
    bytes: Vec<u8>,
    at: DateTime<Utc>,
    mails: &mut Vec<Incoming>,
    loaded: &mut Loaded,
) -> Result<(), &'static str> {
    let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    if bytes.is_empty() {
        return Err("the file is empty");
    }
    if extension == "ics" {
        return load_calendar(&mut account.calendars.write(), file, &bytes, at, loaded);
    }
    if bytes.starts_with(b"From ") || extension == "mbox" {
        let messages = mbox::split(&bytes);
        if messages.is_empty() {
            return Err("no message in the mbox");
        }
        mails.extend(messages.into_iter().map(|message| incoming(message.into())));
        return Ok(());
    }
    if extension == "eml" || extension.is_empty() || begins_with_header(&bytes) {
        mails.push(incoming(bytes.into()));
        return Ok(());
    }
    Err("neither mail nor calendar")
}

/// Whether the first line reads like `Name: value`.
fn begins_with_header(bytes: &[u8]) -> bool {
    let name = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    name > 0 && bytes.get(name) == Some(&b':')
}

fn incoming(raw: Bytes) -> Incoming {
    let content = Content::new(raw.clone());
    let facts = content.facts();
    let date = facts.date_ms.filter(|ms| (0..LATEST_MS).contains(ms));
    let internal_date = date.unwrap_or_else(|| UNDATED_FROM_MS + (digest64(&[b"undated", &raw]) % YEAR_MS) as i64);
    let labels = vec!["INBOX".to_owned(), "CATEGORY_PERSONAL".to_owned()];
    Incoming { raw, labels, internal_date, thread: Threading::ByReferences, message_id: Some(facts.message_id.clone()) }
}

/// Puts the file's events into a calendar named after its folder.
fn load_calendar(
    calendars: &mut Calendars,
    file: &Path,
    bytes: &[u8],
    at: DateTime<Utc>,
    loaded: &mut Loaded,
) -> Result<(), &'static str> {
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = if folder.is_empty() { "imported" } else { &*folder };
    let id = format!("{:016x}@group.calendar.google.com", digest64(&[b"calendar", name.as_bytes()]));
    let (events, skipped) = ics::read(bytes);
    loaded.skipped.extend(skipped.into_iter().map(|reason| (file.to_owned(), reason)));
    if events.is_empty() {
        return Err("no usable event in the file");
    }
    if calendars.find(&id).is_none() {
        calendars.add(NewCalendar { id: id.clone(), summary: name.to_owned(), ..NewCalendar::default() });
    }
    let calendar = calendars.find_mut(&id).ok_or("the calendar was deleted")?;
    for event in ics::in_order(events) {
        match ics::put(calendar, event, at) {
            Ok(()) => loaded.events += 1,
            Err(error) => loaded.skipped.push((file.to_owned(), error.to_string())),
        }
    }
    Ok(())
}
