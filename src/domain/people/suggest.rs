//! Which contacts may be one person: the same full name, and at least one fact more. A name alone is never enough, and facts
//! that only the database knows are asked of it by the pairs found here.

use std::collections::HashMap;

use super::words_of;
use crate::domain::{ids::ContactId, words};

/// The most pairs that are looked at.
pub const MAX_PAIRS: usize = 50;
/// Of the contacts with one name, as many are compared.
const MAX_NAMESAKES: usize = 8;

words! {
    /// What speaks for two addresses being one person's.
    EvidenceKind {
        /// Both are called by the same full name.
        SameName = "same_name",
        /// The part before the at sign is the same.
        SameLocalPart = "same_local_part",
        /// Both are at one organisation, and both are made of the name.
        SameOrganisation = "same_organisation",
        /// The one has written a mail whose answers go to the other.
        ReplyTo = "reply_to",
        /// Both were in one conversation, and never in one mail.
        SameConversation = "same_conversation",
    }
}

/// An address of a contact, with what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Whose it is.
    pub contact: ContactId,
    /// The mailbox.
    pub address: String,
    /// The name.
    pub name: String,
}

/// Two addresses of two contacts with the same full name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The contacts.
    pub contacts: [ContactId; 2],
    /// An address of each.
    pub addresses: [String; 2],
    /// What speaks for it; the same name comes first.
    pub evidence: Vec<EvidenceKind>,
}

/// The pairs that are worth asking about, those first whose addresses come first. Not more than [`MAX_PAIRS`].
///
/// `is_dismissed` tells of two contacts whether the owner has said that they are two.
pub fn pairs(known: &[Known], is_dismissed: impl Fn(ContactId, ContactId) -> bool) -> Vec<Pair> {
    let mut namesakes: HashMap<Vec<String>, Vec<&Known>> = HashMap::new();
    let mut found = Vec::new();
    for one in known {
        let mut words = words_of(&one.name);
        // "Hopper, Grace" is Grace Hopper.
        words.sort_unstable();
        if words.len() < 2 {
            continue;
        }
        let same = namesakes.entry(words.clone()).or_default();
        for other in same.iter().filter(|other| other.contact != one.contact) {
            if !is_dismissed(one.contact, other.contact) {
                found.push(Pair {
                    contacts: [other.contact, one.contact],
                    addresses: [other.address.clone(), one.address.clone()],
                    evidence: evidence(&words, &other.address, &one.address),
                });
            }
        }
        if found.len() >= MAX_PAIRS {
            break;
        }
        if same.len() < MAX_NAMESAKES {
            same.push(one);
        }
    }
    found.truncate(MAX_PAIRS);
    found
}

/// What the addresses alone say.
fn evidence(name: &[String], left: &str, right: &str) -> Vec<EvidenceKind> {
    let mut evidence = vec![EvidenceKind::SameName];
    let (Some((left, left_host)), Some((right, right_host))) = (left.rsplit_once('@'), right.rsplit_once('@')) else {
        return evidence;
    };
    if left == right && left_host != right_host && !is_anybodys(left) {
        evidence.push(EvidenceKind::SameLocalPart);
    }
    if is_one_organisation(left_host, right_host) && is_made_of(left, name) && is_made_of(right, name) {
        evidence.push(EvidenceKind::SameOrganisation);
    }
    evidence
}

/// Whether a local part says what someone does and not who they are.
fn is_anybodys(local: &str) -> bool {
    const OFFICES: [&str; 12] =
        ["info", "contact", "hello", "hi", "mail", "office", "sales", "support", "team", "admin", "me", "kontakt"];
    OFFICES.contains(&local)
}

/// Whether two hosts are one organisation's: the same, or one below the other, and no host where anyone has an address.
fn is_one_organisation(left: &str, right: &str) -> bool {
    #[rustfmt::skip]
    const ANYONES: &[&str] = &[
        "gmail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "ymail.com", "aol.com", "icloud.com",
        "me.com", "mac.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "freenet.de", "proton.me",
        "protonmail.com", "pm.me", "fastmail.com", "zoho.com", "mail.com", "mail.ru", "yandex.ru", "yandex.com", "qq.com",
        "163.com", "126.com", "naver.com", "orange.fr", "free.fr", "laposte.net", "libero.it", "hey.com",
    ];
    let is_below = |host: &str, above: &str| host.strip_suffix(above).is_some_and(|rest| rest.ends_with('.'));
    let is_one = left == right || is_below(left, right) || is_below(right, left);
    let shorter = if left.len() < right.len() { left } else { right };
    is_one && shorter.contains('.') && !ANYONES.contains(&shorter) && !shorter.starts_with("co.")
}

/// Whether a local part is made of a name: it holds one of its words, as in `grace.hopper`, `ghopper` and `hopper`.
fn is_made_of(local: &str, name: &[String]) -> bool {
    let bare: String = local.chars().filter(|char| char.is_alphanumeric()).collect();
    name.iter().any(|word| word.chars().count() > 2 && bare.contains(word.as_str()))
}
