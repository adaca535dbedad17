//! Who took part in an interaction, and what that says of how its owner knows them: contacts are made of it.
//!
//! A person is known by mailbox and never by display name: names are what anyone writes. This room does not know whose address
//! is whose beyond that; the person decides, and `suggest` finds what there is to decide.

use std::collections::BTreeMap;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

use super::{
    normalize::{
        Category, Direction, EventType, InteractionKind, NewInteraction, Participant, Role, is_nobody,
        mailbox as mailbox_of,
    },
    words,
};

pub mod suggest;

/// The longest address by which someone is known, in bytes: twice what a mail can be sent to, and not more than an index holds.
const MAX_ADDRESS: usize = 512;
/// The longest name kept, in characters.
const MAX_NAME: usize = 255;
/// With more people than that in one mail or meeting, being there is no acquaintance.
const MAX_COMPANY: usize = 50;
/// As many domains above one another are looked at.
const MAX_DOMAINS: usize = 10;

words! {
    /// What an interaction says of its owner and someone who took part. The earlier one covers the later.
    Relation {
        /// The owner wrote to them.
        WroteTo = "wrote_to",
        /// They wrote, in person.
        Wrote = "wrote",
        /// They and the owner are in a meeting, and neither has declined.
        Met = "met",
        /// Answers to somebody else's personal mail go to them.
        ReplyTo = "reply_to",
        /// Nothing: they were copied, a program wrote in their name, or it is the owner.
        Other = "other",
    }
}

words! {
    /// Who is a contact.
    ContactPolicy {
        /// Nobody.
        None = "none",
        /// Whom the owner wrote to, and about whom they decided something. Meetings do not count: many are arranged by others.
        Sent = "sent",
        /// Whom the owner met or heard from, too.
        All = "all",
    }
}

/// Someone's part in an interaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their mailbox.
    pub address: String,
    /// What it says of the owner and them.
    pub relation: Relation,
    /// What it calls them; `None` where it gives no name, or says nothing of them.
    pub name: Option<String>,
}

/// The mailbox of an address as someone writes it.
pub fn mailbox(address: &str) -> String {
    mailbox_of(&address.trim().to_lowercase())
}

/// Who took part, each mailbox once, in order. `own` are the mailboxes of all accounts of the owner.
pub fn of(row: &NewInteraction, own: &[String]) -> Vec<Person> {
    let is_nobody =
        |address: &str| !is_person(address) || row.details.list.as_ref().is_some_and(|list| is_list(address, list));
    let facts = Facts::of(row, own);
    let mut people = BTreeMap::<String, Person>::new();
    for participant in &row.participants {
        let address = mailbox_of(&participant.address);
        if address.is_empty() || address.len() > MAX_ADDRESS {
            continue;
        }
        let is_owner = participant.is_self || own.contains(&address);
        let relation = if is_owner || is_nobody(&address) { Relation::Other } else { facts.relation(participant) };
        let name = participant.name.as_ref().map(|name| name.chars().take(MAX_NAME).collect());
        let known = people.entry(address.clone()).or_insert(Person { address, relation, name: None });
        if known.name.is_none() || (relation < known.relation && name.is_some()) {
            known.name = name;
        }
        known.relation = known.relation.min(relation);
    }
    let mut people: Vec<Person> = people.into_values().collect();
    people.iter_mut().filter(|one| one.relation == Relation::Other).for_each(|one| one.name = None);
    people
}

/// Whether an address can be somebody's: it has a name and a host, takes answers, and is no calendar.
fn is_person(address: &str) -> bool {
    let has_both = address.split_once('@').is_some_and(|(local, host)| !local.is_empty() && !host.is_empty());
    has_both && !is_nobody(address) && !address.ends_with("calendar.google.com")
}

/// Whether an address is that of the mailing list with this id: some lists put it in the place of the author's.
fn is_list(address: &str, id: &str) -> bool {
    id == address || address.split_once('@').is_some_and(|(local, host)| id == format!("{local}.{host}"))
}

/// What of an interaction concerns everyone in it.
struct Facts {
    kind: InteractionKind,
    is_sent: bool,
    /// Whether a person wrote it to persons, or whether it is a meeting at which the owner is.
    is_personal: bool,
    /// Whether it is a list's: answers to a mail go there by its doing.
    is_list: bool,
    /// Whether there are so many in it that being there says nothing.
    is_crowd: bool,
}

impl Facts {
    fn of(row: &NewInteraction, own: &[String]) -> Self {
        let is_there = |one: &Participant| match row.kind {
            InteractionKind::Email => matches!(one.role, Role::To | Role::Cc | Role::Bcc),
            InteractionKind::Meeting => one.role != Role::Resource,
        };
        let has = |label: &str| row.labels.iter().any(|own| own == label);
        let is_personal = match row.kind {
            InteractionKind::Email => {
                matches!(row.category, Some(Category::Personal | Category::List)) && !has("SPAM") && !has("DRAFT")
            }
            InteractionKind::Meeting => {
                let goes = |one: &Participant| {
                    (one.is_self || own.contains(&mailbox_of(&one.address)))
                        && one.role != Role::Resource
                        && !has_declined(one)
                };
                let is_meeting = row.details.meeting.as_ref().is_some_and(|facts| {
                    matches!(facts.event_type, EventType::Default | EventType::FromGmail) && !facts.is_time_only
                });
                is_meeting && row.participants.iter().any(goes)
            }
        };
        Self {
            kind: row.kind,
            is_sent: row.direction == Some(Direction::Sent),
            is_personal,
            is_list: row.category == Some(Category::List),
            is_crowd: row.participants.iter().filter(|one| is_there(one)).count() > MAX_COMPANY,
        }
    }

    fn relation(&self, one: &Participant) -> Relation {
        if !self.is_personal {
            return Relation::Other;
        }
        match (self.kind, one.role) {
            (InteractionKind::Email, Role::To | Role::Cc | Role::Bcc) if self.is_sent && !self.is_crowd => {
                Relation::WroteTo
            }
            (InteractionKind::Email, Role::From) if !self.is_sent => Relation::Wrote,
            (InteractionKind::Email, Role::ReplyTo) if !self.is_sent && !self.is_list => Relation::ReplyTo,
            (InteractionKind::Meeting, Role::Organizer | Role::Attendee) if !self.is_crowd && !has_declined(one) => {
                Relation::Met
            }
            _ => Relation::Other,
        }
    }
}

fn has_declined(one: &Participant) -> bool {
    one.response.as_deref() == Some("declined")
}

/// What a blocklist may say to mean a mailbox: itself, its domain, and the domains above that.
pub fn names(address: &str) -> Vec<String> {
    let host = address.rsplit_once('@').map_or("", |(_, host)| host);
    let hosts = std::iter::successors(Some(host), |host| host.split_once('.').map(|(_, above)| above))
        .filter(|host| !host.is_empty())
        .take(MAX_DOMAINS);
    std::iter::once(address).chain(hosts).map(str::to_owned).collect()
}

/// An entry of the blocklist as someone writes it: an address, or a domain with or without `@` before it. `None` when it is
/// neither.
pub fn entry(text: &str) -> Option<String> {
    let text = text.trim().to_lowercase();
    let text = text.strip_prefix('@').unwrap_or(&text);
    let is_plain = !text.chars().any(|char| char.is_whitespace() || char.is_control());
    let (local, host) = text.rsplit_once('@').map_or((None, text), |(local, host)| (Some(local), host));
    let is_host = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    if !is_plain || !is_host || local == Some("") || text.len() > MAX_ADDRESS {
        return None;
    }
    // Both of Gmail's domains are one; so the entry must be.
    Some(if local.is_some() { mailbox_of(text) } else { mailbox_of(&format!("x@{host}")).split_off("x@".len()) })
}

/// The words of a name, without case and accents, as they come. Initials and marks are none.
fn words_of(name: &str) -> Vec<String> {
    let folded: String = name.nfkd().filter(|char| !is_combining_mark(*char)).flat_map(char::to_lowercase).collect();
    let words = folded.split(|char: char| !char.is_alphanumeric());
    words.filter(|word| word.chars().count() > 1).map(str::to_owned).collect()
}

#[cfg(test)]
#[path = "people/tests.rs"]
mod tests;
