//! The people of a mail, as its headers name them.

use mail_parser::HeaderName;

use super::{
    Direction, Participant, Role,
    address::{self, Mailbox},
    alias,
    mime::Mail,
    text,
};

/// The most participants kept of one mail.
pub(super) const MAX_PARTICIPANTS: usize = 1_000;
/// The longest address kept, in characters: what RFC 5321 allows in a path, doubled.
const MAX_ADDRESS: usize = 512;
/// The longest name kept, in characters.
const MAX_NAME: usize = 255;

/// The people that every header of that name names: lower-case address, and name where there is one.
pub(super) fn people(mail: &Mail<'_>, name: &HeaderName<'static>) -> Vec<(String, Option<String>)> {
    let texts = mail.texts(name);
    let mailboxes = texts.flat_map(|text| address::list(&text, MAX_PARTICIPANTS)).take(MAX_PARTICIPANTS);
    mailboxes.filter_map(|mailbox| person(&mailbox)).collect()
}

/// A person's lower-case address and name; `None` when there is neither.
fn person(mailbox: &Mailbox) -> Option<(String, Option<String>)> {
    let name = text::one_line(&mailbox.name, MAX_NAME);
    let address = text::one_line(&mailbox.address, MAX_ADDRESS).to_lowercase();
    // A name that only repeats the address says nothing.
    let name = Some(name).filter(|name| !name.is_empty() && name.to_lowercase() != address);
    (!address.is_empty() || name.is_some()).then_some((address, name))
}

/// A person as the filter sees them.
pub(super) fn written((address, name): (String, Option<String>)) -> String {
    match name {
        Some(name) => format!("{} <{address}>", name.to_lowercase()),
        None => address,
    }
}

/// Who took part in a mail, by role. `aliases` are the lower-case addresses of the account.
pub(super) fn participants(mail: &Mail<'_>, aliases: &[String]) -> Vec<Participant> {
    let roles = [
        (HeaderName::From, Role::From),
        (HeaderName::ReplyTo, Role::ReplyTo),
        (HeaderName::To, Role::To),
        (HeaderName::Cc, Role::Cc),
        (HeaderName::Bcc, Role::Bcc),
    ];
    let of_role = |(name, role)| {
        let participant = move |(address, name): (String, Option<String>)| Participant {
            role,
            is_self: alias::is_one_of(&address, aliases),
            address,
            name,
            response: None,
        };
        people(mail, &name).into_iter().map(participant)
    };
    roles.into_iter().flat_map(of_role).take(MAX_PARTICIPANTS).collect()
}

/// Which way a mail went, seen from the account.
pub(super) fn direction(participants: &[Participant], labels: &[String]) -> Direction {
    let has = |label: &str| labels.iter().any(|own| own == label);
    // Spam likes to come from oneself.
    let is_by_self = !has("SPAM") && participants.iter().any(|one| one.role == Role::From && one.is_self);
    let mut recipients =
        participants.iter().filter(|one| matches!(one.role, Role::To | Role::Cc | Role::Bcc)).peekable();
    let is_to_self_alone = recipients.peek().is_some() && recipients.all(|one| one.is_self);
    if is_by_self && is_to_self_alone {
        Direction::Internal
    } else if is_by_self || has("SENT") {
        Direction::Sent
    } else {
        Direction::Received
    }
}
