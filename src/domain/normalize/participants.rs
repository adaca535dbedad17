//! The people of a mail, as its headers name them.

use mail_parser::{Addr, Address, HeaderName, HeaderValue};

use super::{Direction, Participant, Role, mime::Mail, text};

/// The most participants kept of one mail.
pub(super) const MAX_PARTICIPANTS: usize = 1_000;
/// The longest address kept, in characters: what RFC 5321 allows in a path, doubled.
const MAX_ADDRESS: usize = 512;
/// The longest name kept, in characters.
const MAX_NAME: usize = 255;

/// Every address of every header of that name; groups are opened.
pub(super) fn addresses<'s>(mail: &'s Mail<'_>, name: HeaderName<'static>) -> impl Iterator<Item = &'s Addr<'s>> {
    mail.values(name).filter_map(HeaderValue::as_address).flat_map(|address| {
        let (list, groups) = match address {
            Address::List(list) => (list.as_slice(), [].as_slice()),
            Address::Group(groups) => ([].as_slice(), groups.as_slice()),
        };
        list.iter().chain(groups.iter().flat_map(|group| &group.addresses))
    })
}

/// A person's lower-case address and name; `None` when there is neither.
pub(super) fn person(addr: &Addr<'_>) -> Option<(String, Option<String>)> {
    let name = text::one_line(addr.name.as_deref().unwrap_or_default(), MAX_NAME);
    let address = text::one_line(addr.address.as_deref().unwrap_or_default(), MAX_ADDRESS).to_lowercase();
    // An address that was sent as an encoded word is read as a name.
    if address.is_empty() && name.contains('@') && !name.contains(' ') {
        return Some((name.to_lowercase(), None));
    }
    let name = Some(name).filter(|name| !name.is_empty() && *name != address);
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
        let participant = |(address, name): (String, Option<String>)| Participant {
            role,
            is_self: aliases.contains(&address),
            address,
            name,
            response: None,
        };
        addresses(mail, name).filter_map(person).map(participant).take(MAX_PARTICIPANTS).collect::<Vec<_>>()
    };
    roles.into_iter().flat_map(of_role).take(MAX_PARTICIPANTS).collect()
}

/// Which way a mail went, seen from the account.
pub(super) fn direction(participants: &[Participant], labels: &[String]) -> Direction {
    let is_by_self = participants.iter().any(|one| one.role == Role::From && one.is_self);
    let mut recipients =
        participants.iter().filter(|one| matches!(one.role, Role::To | Role::Cc | Role::Bcc)).peekable();
    let is_to_self_alone = recipients.peek().is_some() && recipients.all(|one| one.is_self);
    if is_by_self && is_to_self_alone {
        Direction::Internal
    } else if is_by_self || labels.iter().any(|label| label == "SENT") {
        Direction::Sent
    } else {
        Direction::Received
    }
}
