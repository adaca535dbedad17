use proptest::prelude::*;
use uuid::Uuid;

use super::{
    suggest::{EvidenceKind, Known, pairs},
    *,
};
use crate::domain::{
    ids::ContactId,
    normalize::{Details, MeetingFacts, Visibility},
};

fn participant(role: Role, address: &str) -> Participant {
    let is_self = address.starts_with("ada");
    Participant { role, address: address.to_owned(), name: None, response: None, is_self }
}

fn mail(category: Category, direction: Direction, participants: Vec<Participant>) -> NewInteraction {
    NewInteraction {
        occurrence: String::new(),
        kind: InteractionKind::Email,
        direction: Some(direction),
        category: Some(category),
        subject: String::new(),
        body_text: String::new(),
        reply_text: None,
        snippet: String::new(),
        occurred_at: chrono::DateTime::UNIX_EPOCH,
        sent_at: None,
        ends_at: None,
        all_day: None,
        thread: None,
        universal_id: None,
        location: None,
        status: None,
        participants,
        labels: Vec::new(),
        attachments: Vec::new(),
        details: Details::default(),
    }
}

fn meeting(event_type: EventType, participants: Vec<Participant>) -> NewInteraction {
    let facts = MeetingFacts {
        event_type,
        visibility: Visibility::Default,
        is_free: false,
        is_time_only: false,
        conference_url: None,
    };
    NewInteraction {
        kind: InteractionKind::Meeting,
        category: None,
        details: Details { meeting: Some(facts), ..Details::default() },
        ..mail(Category::Personal, Direction::Received, participants)
    }
}

/// Who is how known by an interaction, without those of whom it says nothing.
fn known(row: &NewInteraction) -> Vec<(String, Relation)> {
    let people = of(row, &["ben@example.org".to_owned()]);
    let said = people.into_iter().filter(|one| one.relation != Relation::Other);
    said.map(|one| (one.address, one.relation)).collect()
}

#[test]
fn mail_says_who_wrote_to_whom() {
    use Category::{AutoReply, Bulk, Invitation, List, Notification, Personal};
    use Direction::{Internal, Received, Sent};
    let all = || {
        vec![
            participant(Role::From, "grace@example.net"),
            participant(Role::ReplyTo, "office@example.net"),
            participant(Role::To, "ada@example.org"),
            participant(Role::Cc, "linus@example.net"),
        ]
    };
    let sent = || {
        vec![
            participant(Role::From, "ada@example.org"),
            participant(Role::To, "grace@example.net"),
            participant(Role::Bcc, "linus+work@example.net"),
            participant(Role::Cc, "no-reply@example.net"),
            participant(Role::Cc, "ben@example.org"),
        ]
    };
    let (grace, office, linus) = ("grace@example.net", "office@example.net", "linus@example.net");
    for (row, expected) in [
        (mail(Personal, Received, all()), vec![(grace, Relation::Wrote), (office, Relation::ReplyTo)]),
        (mail(List, Received, all()), vec![(grace, Relation::Wrote)]),
        (mail(Bulk, Received, all()), vec![]),
        (mail(Notification, Received, all()), vec![]),
        (mail(Invitation, Received, all()), vec![]),
        (mail(Personal, Sent, sent()), vec![(grace, Relation::WroteTo), (linus, Relation::WroteTo)]),
        (mail(AutoReply, Sent, sent()), vec![]),
        (mail(Invitation, Sent, sent()), vec![]),
        (mail(Personal, Internal, sent()), vec![]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(|(address, relation)| (address.to_owned(), relation)).collect();
        assert_eq!(known(&row), expected, "{:?} {:?}", row.category, row.direction);
    }
    let labelled = |label: &str| NewInteraction { labels: vec![label.to_owned()], ..mail(Personal, Sent, sent()) };
    assert_eq!(known(&labelled("DRAFT")), []);
    let through = |from: &str| NewInteraction {
        details: Details { list: Some("engines.lists.example".to_owned()), ..Details::default() },
        ..mail(List, Received, vec![participant(Role::From, from)])
    };
    assert_eq!(known(&through(grace)), [(grace.to_owned(), Relation::Wrote)]);
    assert_eq!(known(&through("engines@lists.example")), [], "the list in the place of the author");
    let crowd = (0..60).map(|n| participant(Role::To, &format!("p{n}@example.net"))).collect();
    assert_eq!(known(&mail(Personal, Sent, crowd)), []);
}

#[test]
fn meetings_say_who_met_whom() {
    let all = || {
        vec![
            participant(Role::Organizer, "grace@example.net"),
            participant(Role::Attendee, "ada@example.org"),
            participant(Role::Attendee, "linus@example.net"),
            participant(Role::Resource, "room@example.net"),
            participant(Role::Attendee, "c_1@group.calendar.google.com"),
        ]
    };
    let met = ["grace@example.net", "linus@example.net"].map(|address| (address.to_owned(), Relation::Met));
    assert_eq!(known(&meeting(EventType::Default, all())), met);
    assert_eq!(known(&meeting(EventType::Birthday, all())), []);
    let mut declined = all();
    declined[2].response = Some("declined".to_owned());
    assert_eq!(known(&meeting(EventType::Default, declined)), met[..1]);
    let mut away = all();
    away[1].response = Some("declined".to_owned());
    assert_eq!(known(&meeting(EventType::Default, away)), []);
    let mut without = all();
    without.remove(1);
    assert_eq!(known(&meeting(EventType::Default, without)), [], "a calendar of others");
    let crowd = (0..60).map(|n| participant(Role::Attendee, &format!("p{n}@example.net"))).chain(all()).collect();
    assert_eq!(known(&meeting(EventType::Default, crowd)), []);
}

#[test]
fn one_mailbox_is_one_person_and_a_name_alone_is_nobody() {
    let mut people = vec![
        participant(Role::From, "grace.hopper@gmail.com"),
        participant(Role::Cc, "gracehopper+navy@googlemail.com"),
        participant(Role::Cc, ""),
        participant(Role::Cc, &"x".repeat(600)),
    ];
    people[1].name = Some("Amazing Grace".to_owned());
    people[2].name = Some("Grace Hopper".to_owned());
    let expected = Person {
        address: "gracehopper@gmail.com".to_owned(),
        relation: Relation::Wrote,
        name: Some("Amazing Grace".to_owned()),
    };
    assert_eq!(of(&mail(Category::Personal, Direction::Received, people), &[]), [expected]);
}

#[test]
fn entries_of_the_blocklist_are_addresses_and_domains() {
    for (text, expected) in [
        (" Grace+x@Example.ORG ", Some("grace@example.org")),
        ("@example.org", Some("example.org")),
        ("mail.example.org", Some("mail.example.org")),
        ("googlemail.com", Some("gmail.com")),
        ("a.b@googlemail.com", Some("ab@gmail.com")),
        ("example", None),
        ("example..org", None),
        ("grace@", None),
        ("a b@example.org", None),
        ("", None),
        ("@", None),
        ("\0@example.org", None),
    ] {
        assert_eq!(entry(text).as_deref(), expected, "{text:?}");
    }
    assert_eq!(names("grace@mail.example.org"), ["grace@mail.example.org", "mail.example.org", "example.org", "org"]);
}

fn contact(n: u128) -> ContactId {
    ContactId(Uuid::from_u128(n))
}

fn said(left: (&str, &str), right: (&str, &str)) -> Option<Vec<EvidenceKind>> {
    let one = |n, (name, address): (&str, &str)| Known {
        contact: contact(n),
        address: address.to_owned(),
        name: name.to_owned(),
    };
    pairs(&[one(1, left), one(2, right)], |_, _| false).pop().map(|pair| pair.evidence)
}

#[test]
fn contacts_are_suggested_by_more_than_their_name() {
    use EvidenceKind::{SameLocalPart, SameName, SameOrganisation};
    let grace = ("Grace Hopper", "grace.hopper@navy.example");
    for (other, expected) in [
        (("Grace Hopper", "amazing@example.net"), Some(vec![SameName])),
        (("HOPPER, Gráce", "grace.hopper@example.net"), Some(vec![SameName, SameLocalPart])),
        (("Grace M. Hopper", "ghopper@mail.navy.example"), Some(vec![SameName, SameOrganisation])),
        (("Grace Hopper", "desk@navy.example"), Some(vec![SameName])),
        (("Grace", "grace.hopper@example.net"), None),
        (("Grace Kelly", "grace.hopper@example.net"), None),
    ] {
        assert_eq!(said(grace, other), expected, "{other:?}");
    }
    let at = |address| ("Grace Hopper", address);
    assert_eq!(said(at("hopper1@gmail.com"), at("ghopper@gmail.com")), Some(vec![SameName]), "anyone's domain");
    assert_eq!(said(at("info@a.example"), at("info@b.example")), Some(vec![SameName]), "an office");
    assert_eq!(said(("Grace", "g@a.example"), ("Grace", "g@b.example")), None, "one word");
}

#[test]
fn what_was_dismissed_is_not_suggested_and_suggestions_are_bounded() {
    let known: Vec<Known> = (0..100)
        .map(|n| Known { contact: contact(n), address: format!("g{n}@example.org"), name: "Grace Hopper".to_owned() })
        .collect();
    assert_eq!(pairs(&known, |_, _| true), []);
    assert_eq!(pairs(&known, |_, _| false).len(), suggest::MAX_PAIRS);
}

proptest! {
    #[test]
    fn the_mailbox_of_a_mailbox_is_itself(text in "[a-z.+@]{0,20}(@(gmail.com|googlemail.com|example.org))?", any: String) {
        for address in [text, any] {
            let mailbox = mailbox(&address);
            prop_assert_eq!(super::mailbox(&mailbox), mailbox);
        }
    }

    #[test]
    fn an_entry_is_among_the_names_of_what_it_blocks(local in "[a-z+]{1,8}", host in "[a-z]{1,5}(\\.[a-z]{2,5}){1,3}") {
        let address = mailbox(&format!("{local}@{host}"));
        for text in [format!("{local}@{host}"), host.clone(), format!("@{host}")] {
            let entry = entry(&text).unwrap();
            prop_assert!(names(&address).contains(&entry), "{} {}", address, entry);
        }
    }

    #[test]
    fn anything_is_read_without_panic(text: String) {
        entry(&text);
        names(&text);
        words_of(&text);
    }
}
