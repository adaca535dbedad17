//! One person's mail: messages by id and by date, labels, threads, and the record of what changed.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytes::Bytes;
use chrono::{DateTime, Utc};

use super::{
    super::rng::digest64,
    changes::{Change, ChangeKind, History},
    message::{Content, Id},
};

/// Labels every mailbox has; their ids are their names.
pub(crate) const SYSTEM_LABELS: [&str; 15] = [
    "CHAT",
    "SENT",
    "INBOX",
    "IMPORTANT",
    "TRASH",
    "DRAFT",
    "SPAM",
    "CATEGORY_FORUMS",
    "CATEGORY_UPDATES",
    "CATEGORY_PERSONAL",
    "CATEGORY_PROMOTIONS",
    "CATEGORY_SOCIAL",
    "STARRED",
    "UNREAD",
    "YELLOW_STAR",
];

/// One mail as it stands.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub id: Id,
    pub thread: Id,
    /// Label ids, sorted.
    pub labels: Vec<String>,
    /// Milliseconds since 1970: when Google accepted it, or what an importer said.
    pub internal_date: i64,
    /// The mailbox's history id when it last changed.
    pub history_id: u64,
    pub content: Arc<Content>,
}

impl Stored {
    pub(crate) fn has_label(&self, label: &str) -> bool {
        self.labels.iter().any(|own| own == label)
    }

    /// In Spam or Trash, so that a search leaves it out unless asked.
    pub(crate) fn is_hidden(&self) -> bool {
        self.has_label("SPAM") || self.has_label("TRASH")
    }
}

/// Which thread a mail goes to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) enum Threading {
    /// That of the mail it answers, if the subject agrees; else a new one.
    #[default]
    ByReferences,
    New,
    Known(Id),
}

/// A mail on its way in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incoming {
    pub raw: Bytes,
    pub labels: Vec<String>,
    pub internal_date: i64,
    pub thread: Threading,
    /// The Message-ID where the caller knows it, which spares reading the mail now.
    pub message_id: Option<String>,
}

/// A mailbox. Everything in it follows from its address and the order of calls, ids included.
#[derive(Debug)]
pub(crate) struct Mailbox {
    email: String,
    messages: HashMap<Id, Stored>,
    /// (internal date, id), ascending: lists walk it backwards.
    by_date: Vec<(i64, Id)>,
    thread_sizes: HashMap<Id, usize>,
    by_message_id: HashMap<String, Id>,
    /// User labels: id to name.
    user_labels: BTreeMap<String, String>,
    history: History,
    n_delivered: u64,
    /// When what happens now happens.
    now: DateTime<Utc>,
}

impl Mailbox {
    pub(crate) fn new(email: &str) -> Self {
        let history_id = 1_000_000 + digest64(&[b"history", email.as_bytes()]) % 9_000_000;
        Self {
            email: email.to_owned(),
            messages: HashMap::new(),
            by_date: Vec::new(),
            thread_sizes: HashMap::new(),
            by_message_id: HashMap::new(),
            user_labels: BTreeMap::new(),
            history: History::from_id(history_id),
            n_delivered: 0,
            now: DateTime::UNIX_EPOCH,
        }
    }

    /// Dates what follows.
    pub(crate) fn set_now(&mut self, now: DateTime<Utc>) {
        self.now = now;
    }

    pub(crate) fn email(&self) -> &str {
        &self.email
    }

    pub(crate) fn find(&self, id: Id) -> Option<&Stored> {
        self.messages.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn n_threads(&self) -> usize {
        self.thread_sizes.len()
    }

    pub(crate) fn history(&self) -> &History {
        &self.history
    }

    /// Messages strictly older than `before` in list order, newest first; all of them for `None`.
    pub(crate) fn newest_first(&self, before: Option<(i64, Id)>) -> impl Iterator<Item = &Stored> {
        let end = before.map_or(self.by_date.len(), |key| self.by_date.partition_point(|known| *known < key));
        self.by_date[..end].iter().rev().filter_map(|(_, id)| self.messages.get(id))
    }

    /// The messages of a thread, newest first.
    pub(crate) fn thread(&self, id: Id) -> impl Iterator<Item = &Stored> {
        self.newest_first(None).filter(move |mail| mail.thread == id)
    }

    /// Every label: id, name, and whether it is the system's.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str, bool)> {
        let system = SYSTEM_LABELS.iter().map(|name| (*name, *name, true));
        system.chain(self.user_labels.iter().map(|(id, name)| (id.as_str(), name.as_str(), false)))
    }

    /// The id of a label given by id or name; a name that is new makes a user label.
    pub(crate) fn label_id(&mut self, label: &str) -> String {
        if let Some((id, ..)) = self.labels().find(|(id, name, _)| *id == label || *name == label) {
            return id.to_owned();
        }
        let id = format!("Label_{}", self.user_labels.len() + 1);
        self.user_labels.insert(id.clone(), label.to_owned());
        id
    }

    /// Renames a user label; its id stays.
    pub(crate) fn rename_label(&mut self, id: &str, name: &str) {
        if let Some(known) = self.user_labels.get_mut(id) {
            name.clone_into(known);
        }
    }

    /// Takes a mail in and records it.
    pub(crate) fn deliver(&mut self, incoming: Incoming) -> Id {
        let id = self.free_id(incoming.internal_date);
        let content = Arc::new(Content::new(incoming.raw));
        let message_id = incoming.message_id.unwrap_or_else(|| content.facts().message_id.clone());
        let thread = match incoming.thread {
            Threading::ByReferences => self.find_thread(&content).unwrap_or(id),
            Threading::New => id,
            Threading::Known(thread) => thread,
        };
        let mut labels: Vec<String> = incoming.labels.iter().map(|label| self.label_id(label)).collect();
        labels.sort_unstable();
        labels.dedup();
        if !message_id.is_empty() {
            self.by_message_id.entry(message_id).or_insert(id);
        }
        *self.thread_sizes.entry(thread).or_default() += 1;
        let key = (incoming.internal_date, id);
        let place = self.by_date.partition_point(|known| *known < key);
        self.by_date.insert(place, key);
        let internal_date = incoming.internal_date;
        let history_id = self.record(ChangeKind::Added, id, thread, labels.clone());
        self.messages.insert(id, Stored { id, thread, labels, internal_date, history_id, content });
        id
    }

    /// Milliseconds in the high bits, as Gmail's ids seem to be made, so that later mail sorts later.
    fn free_id(&mut self, internal_date: i64) -> Id {
        self.n_delivered += 1;
        let random = digest64(&[b"message", self.email.as_bytes(), &self.n_delivered.to_be_bytes()]);
        let ms = u64::try_from(internal_date).unwrap_or(0) & ((1 << 44) - 1);
        let mut id = Id((ms << 20) | (random & 0xF_FFFF));
        while self.messages.contains_key(&id) {
            id.0 = id.0.wrapping_add(1);
        }
        id
    }

    /// Same thread: it answers a mail that is here, under the same subject.
    fn find_thread(&self, content: &Content) -> Option<Id> {
        let facts = content.facts();
        let known = facts.answers.iter().filter_map(|id| self.messages.get(self.by_message_id.get(id)?));
        known.into_iter().find(|mail| mail.content.facts().thread_name == facts.thread_name).map(|mail| mail.thread)
    }

    /// Adds and removes labels, given by id or name. Only what really changes is recorded.
    pub(crate) fn modify_labels(&mut self, id: Id, add: &[String], remove: &[String]) -> Option<()> {
        let add: Vec<String> = add.iter().map(|label| self.label_id(label)).collect();
        let remove: Vec<String> = remove.iter().map(|label| self.label_id(label)).collect();
        let mail = self.messages.get_mut(&id)?;
        let added: Vec<String> = add.into_iter().filter(|label| !mail.has_label(label)).collect();
        let removed: Vec<String> = remove.into_iter().filter(|label| mail.has_label(label)).collect();
        mail.labels.extend(added.iter().cloned());
        mail.labels.retain(|label| !removed.contains(label));
        mail.labels.sort_unstable();
        let (thread, labels) = (mail.thread, mail.labels.clone());
        let mut history_id = None;
        if !added.is_empty() {
            history_id = Some(self.record(ChangeKind::LabelsAdded(added), id, thread, labels.clone()));
        }
        if !removed.is_empty() {
            history_id = Some(self.record(ChangeKind::LabelsRemoved(removed), id, thread, labels));
        }
        if let (Some(mail), Some(history_id)) = (self.messages.get_mut(&id), history_id) {
            mail.history_id = history_id;
        }
        Some(())
    }

    /// Deletes for good, past the trash.
    pub(crate) fn delete(&mut self, id: Id) -> Option<()> {
        let mail = self.messages.remove(&id)?;
        if let Ok(place) = self.by_date.binary_search(&(mail.internal_date, id)) {
            self.by_date.remove(place);
        }
        if let Some(size) = self.thread_sizes.get_mut(&mail.thread) {
            *size -= 1;
            if *size == 0 {
                self.thread_sizes.remove(&mail.thread);
            }
        }
        self.record(ChangeKind::Deleted, id, mail.thread, mail.labels);
        Some(())
    }

    fn record(&mut self, kind: ChangeKind, message: Id, thread: Id, labels: Vec<String>) -> u64 {
        self.history.record(Change { id: 0, at: self.now, kind, message, thread, labels })
    }

    /// Forgets every record and every start id handed out so far.
    pub(crate) fn expire_history(&mut self) {
        self.history.expire();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn incoming(subject: &str, id: &str, answers: &str, date: i64) -> Incoming {
        let raw =
            format!("From: a@b.c\r\nSubject: {subject}\r\nMessage-ID: <{id}>\r\nIn-Reply-To: <{answers}>\r\n\r\nx");
        Incoming { raw: raw.into(), labels: vec!["INBOX".into()], internal_date: date, ..Incoming::default() }
    }

    #[test]
    fn replies_share_the_thread_when_the_subject_agrees() {
        let mut mailbox = Mailbox::new("a@b.c");
        let first = mailbox.deliver(incoming("Plan", "1@x", "0@x", 1_000));
        let reply = mailbox.deliver(incoming("Re: Plan", "2@x", "1@x", 2_000));
        let other = mailbox.deliver(incoming("Else", "3@x", "1@x", 3_000));
        assert_eq!(mailbox.find(reply).unwrap().thread, first);
        assert_eq!(mailbox.find(other).unwrap().thread, other);
        assert_eq!(mailbox.n_threads(), 2);
    }

    #[test]
    fn only_what_really_changes_is_recorded() {
        let mut mailbox = Mailbox::new("a@b.c");
        let start = mailbox.history().id();
        let id = mailbox.deliver(incoming("Plan", "1@x", "", 1_000));
        mailbox.modify_labels(id, &["STARRED".into(), "INBOX".into()], &["UNREAD".into()]).unwrap();
        mailbox.delete(id).unwrap();
        let kinds: Vec<_> = mailbox
            .history()
            .since(start, DateTime::UNIX_EPOCH)
            .unwrap()
            .iter()
            .map(|change| change.kind.clone())
            .collect();
        assert_eq!(kinds, [ChangeKind::Added, ChangeKind::LabelsAdded(vec!["STARRED".into()]), ChangeKind::Deleted]);
    }
}
