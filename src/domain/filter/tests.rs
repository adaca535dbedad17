use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;
use crate::domain::consent::{CalendarScope, Exclusions, Label, MailScope};

fn now() -> DateTime<Utc> {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn labels() -> Vec<Label> {
    [("INBOX", "INBOX"), ("Label_1", "Work"), ("Label_2", "Clients/Big (A&B)"), ("Label_3", "work later")]
        .map(|(id, name)| Label { id: id.to_owned(), name: name.to_owned() })
        .to_vec()
}

fn facts() -> MailFacts {
    let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    MailFacts {
        labels: strings(&["INBOX", "UNREAD", "Label_1", "CATEGORY_PERSONAL"]),
        internal_date: now() - TimeDelta::days(2),
        from: strings(&["ada lovelace <ada@mail.example.com>"]),
        to: strings(&["bob@example.org"]),
        cc: strings(&["carol <carol@example.net>"]),
        bcc: strings(&["dan@example.net"]),
        subject: "Re: The Analytical Engine, 会議の件".to_owned(),
        has_attachment: true,
        size_bytes: 5_000,
        message_id: "Ab.1@example.com".to_owned(),
    }
}

fn scope(query: &str) -> MailScope {
    MailScope {
        query: query.to_owned(),
        include_labels: vec![],
        exclude_labels: vec![],
        labels: labels(),
        after: now() - TimeDelta::days(30),
    }
}

fn excluding(senders: &[&str], domains: &[&str]) -> Exclusions {
    let strings = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
    Exclusions { senders: strings(senders), domains: strings(domains) }
}

#[test]
fn a_query_asks_what_gmail_would() {
    for (query, holds) in [
        ("", true),
        ("from:ada@mail.example.com", true),
        ("from:ADA@MAIL.example.com", true),
        ("from:ada", true),
        ("from:\"ada lovelace\"", true),
        ("from:example.com", true),
        ("from:@example.com", true),
        ("from:@ample.com", false),
        ("from:ample.com", false),
        ("from:da@mail.example.com", false),
        ("from:(bob OR ada)", true),
        ("from:(lovelace ada)", true),
        ("to:bob to:carol to:dan", true),
        ("cc:bob", false),
        ("cc:carol bcc:dan@", true),
        ("subject:engine", true),
        ("subject:eng", false),
        ("subject:\"analytical engine\"", true),
        ("subject:(engine analytical)", true),
        ("subject:\"engine analytical\"", false),
        ("subject:(re: the)", true),
        ("subject:会議", true),
        ("label:work", true),
        ("label:work-later", false),
        ("label:clients-big--a-b-", false),
        ("label:Label_1", true),
        ("in:inbox is:unread", true),
        ("is:read", false),
        ("in:anywhere", true),
        ("-in:chats", true),
        ("category:primary", true),
        ("category:social", false),
        ("has:attachment", true),
        ("newer_than:30d", true),
        ("newer_than:1d", false),
        ("older_than:1d -older_than:1m -older_than:1y", true),
        ("after:2026/11/20 before:2026/11/21", true),
        ("newer:11/21/2026", false),
        ("rfc822msgid:<Ab.1@example.com>", true),
        ("rfc822msgid:ab.1@example.com", false),
        ("larger:4K smaller:5K", true),
        ("larger:5000", false),
        ("-from:ada OR subject:engine", true),
        ("from:bob OR from:carol subject:engine", false),
        ("{from:bob from:ada} -{is:starred is:important}", true),
        ("(from:ada subject:engine)", true),
        ("-(from:ada subject:poem)", true),
        ("from:ada AND is:unread", true),
    ] {
        let parsed = parse(query, &labels(), now()).unwrap();
        assert_eq!(parsed.matches(&facts()), holds, "{query}");
        assert_eq!(parse(&parsed.render(), &labels(), now()).unwrap(), parsed, "{query} -> {parsed}");
    }
}

#[test]
fn a_query_is_rendered_with_absolute_dates() {
    for (query, rendered) in [
        ("category:primary -in:chats newer_than:30d", "category:primary -in:chats after:1792756800"),
        // Midnight in Los Angeles: before the clocks change on the first, and after.
        ("after:2026/11/01 before:2026-11-02", "after:1793516400 before:1793606400"),
        ("from:Ada OR to:\"Bob  B\"", "{from:ada to:\"bob b\"}"),
        ("subject:(a OR (b c))", "{subject:a (subject:b subject:c)}"),
        ("label:\"Clients/Big (A&B)\"", "label:clients-big--a-b-"),
        ("larger:1M", "larger:1048576"),
        ("-(-is:read)", "-(-is:read)"),
    ] {
        assert_eq!(parse(query, &labels(), now()).unwrap().render(), rendered);
    }
}

#[test]
fn a_refusal_names_what_is_wrong() {
    for (query, error) in [
        ("hello", "`hello` searches the text of mails"),
        ("\"two words\"", "`two words` searches the text"),
        ("filename:pdf", "`filename:` cannot be used here; use has:attachment"),
        ("foo:bar", "`foo:` cannot be used here; use from, to"),
        ("has:drive", "`has:` does not take `drive`"),
        ("from:me", "write the address"),
        ("from:", "an address"),
        ("subject:!!", "a word"),
        ("label:nope", "no label named `nope`"),
        ("in:nowhere", "no label named `nowhere`"),
        ("is:muted", "read, unread"),
        ("after:yesterday", "2026/11/22"),
        ("after:2026/13/01", "2026/11/22"),
        ("after:99999999999999", "2026/11/22"),
        ("newer_than:5w", "30d, 6m, 1y"),
        ("newer_than:é", "30d, 6m, 1y"),
        ("newer_than:99999y", "30d, 6m, 1y"),
        ("larger:big", "10K"),
        ("larger:99999999999999999999", "10K"),
        ("(from:a", "`)` has no partner"),
        ("from:a)", "`)` has no partner"),
        ("(from:a}", "`}` has no partner"),
        ("from:\"a", "`\"` has no partner"),
        ("()", "nothing for `()`"),
        ("OR from:a", "nothing for `OR`"),
        ("from:a OR", "nothing for `OR`"),
        ("from:a OR OR from:b", "nothing for `OR`"),
        ("- from:a", "nothing for `-`"),
    ] {
        let refusal = parse(query, &labels(), now()).unwrap_err().to_string();
        assert!(refusal.contains(error), "{query}: {refusal}");
    }
    assert_eq!(parse(&"(".repeat(1_000), &[], now()), Err(QueryError::TooDeep));
    assert_eq!(parse(&"-".repeat(1_000), &[], now()), Err(QueryError::TooDeep));
    assert_eq!(parse(&" ".repeat(10_000), &[], now()), Err(QueryError::TooLong));
    let relative = MailFilter::compile(&scope("newer_than:1d"), &Exclusions::default());
    assert_eq!(relative.unwrap_err(), QueryError::Relative("newer_than".to_owned()));
}

#[test]
fn the_rule_that_keeps_a_mail_out_is_named() {
    let is_inside = |scope: &MailScope, exclusions: &Exclusions, facts: &MailFacts| {
        MailFilter::compile(scope, exclusions).unwrap().is_inside(facts).err().unwrap_or_default()
    };
    let none = Exclusions::default();
    let labelled = |label: &str| MailFacts { labels: vec![label.to_owned()], ..facts() };
    assert_eq!(is_inside(&scope("from:ada"), &none, &facts()), "");
    assert_eq!(is_inside(&scope("from:ada subject:poem is:read"), &none, &facts()), "query:subject:poem");
    assert_eq!(is_inside(&scope(""), &none, &labelled("SPAM")), "in:spam");
    assert_eq!(is_inside(&scope("-in:trash"), &none, &labelled("TRASH")), "in:trash");
    assert_eq!(is_inside(&scope("in:anywhere"), &none, &labelled("TRASH")), "");
    assert_eq!(is_inside(&scope("{in:spam in:inbox}"), &none, &labelled("SPAM")), "");
    let old = MailFacts { internal_date: now() - TimeDelta::days(31), ..facts() };
    assert_eq!(is_inside(&scope(""), &none, &old), "after");
    let of_label = MailScope { include_labels: vec!["Label_2".to_owned()], ..scope("") };
    assert_eq!(is_inside(&of_label, &none, &facts()), "labels");
    assert_eq!(is_inside(&of_label, &none, &labelled("Label_2")), "");
    let not_label = MailScope { exclude_labels: vec!["Label_1".to_owned()], ..scope("") };
    assert_eq!(is_inside(&not_label, &none, &facts()), "label:Work");
    assert_eq!(
        is_inside(&scope(""), &excluding(&["ada@mail.example.com"], &[]), &facts()),
        "sender:ada@mail.example.com"
    );
    assert_eq!(is_inside(&scope(""), &excluding(&["ada@example.com"], &["ample.com"]), &facts()), "");
    assert_eq!(is_inside(&scope(""), &excluding(&[], &["", "example.com"]), &facts()), "domain:example.com");
    let evil = MailFacts { from: vec!["example.com <ada@evilexample.com>".to_owned()], ..facts() };
    assert_eq!(is_inside(&scope(""), &excluding(&[], &["example.com"]), &evil), "");
}

#[test]
fn gmail_is_asked_for_the_whole_scope() {
    let scope = MailScope {
        include_labels: vec!["INBOX".to_owned(), "Label_2".to_owned()],
        exclude_labels: vec!["CATEGORY_PROMOTIONS".to_owned(), "Label_9".to_owned()],
        ..scope(" from:ada ")
    };
    let asked = "from:ada after:1792756800 {in:inbox label:clients-big--a-b-} -category:promotions -label:label_9";
    assert_eq!(provider_query(&scope), asked);
}

#[test]
fn events_pass_by_type_privacy_and_organizer() {
    let scope = |private_events| CalendarScope { calendars: vec![], from: now(), to: now(), private_events };
    let event = |event_type: &str, visibility: &str, organizer: &str| EventFacts {
        visibility: visibility.to_owned(),
        event_type: event_type.to_owned(),
        organizer: organizer.to_owned(),
        ..EventFacts::default()
    };
    let rule = |private, facts: &EventFacts, exclusions: &Exclusions| {
        event_is_inside(&scope(private), exclusions, facts).err().unwrap_or_default()
    };
    let none = Exclusions::default();
    assert_eq!(rule(false, &event("default", "default", ""), &none), "");
    assert_eq!(rule(false, &event("fromGmail", "public", "a@b.c"), &none), "");
    assert_eq!(rule(false, &event("birthday", "default", ""), &none), "event_type:birthday");
    assert_eq!(rule(false, &event("default", "private", ""), &none), "private");
    assert_eq!(rule(false, &event("default", "confidential", ""), &none), "private");
    assert_eq!(rule(true, &event("default", "private", ""), &none), "");
    assert_eq!(rule(true, &event("default", "", "a@x.b.c"), &excluding(&[], &["b.c"])), "domain:b.c");
    assert_eq!(rule(true, &event("default", "", "a@b.c"), &excluding(&["a@b.c"], &[])), "sender:a@b.c");
}

fn query_text() -> impl Strategy<Value = String> {
    let value = prop_oneof!["[a-zA-Z@.é会]{1,8}", "\"[ a-z()!:-]{0,8}[a-z]\"", "[0-9]{1,6}"];
    let operator = prop_oneof![
        "(from|to|cc|bcc|subject):",
        Just("after:".to_owned()),
        Just("larger:".to_owned()),
        Just("rfc822msgid:".to_owned())
    ];
    let term = prop_oneof![
        4 => (operator, value).prop_map(|(operator, value)| operator + &value),
        1 => "(in:inbox|is:read|is:unread|label:work|has:attachment|newer_than:3d|in:spam)",
    ];
    term.prop_recursive(4, 30, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("-{one}")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|many| format!("({})", many.join(" "))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|many| format!("{{{}}}", many.join(" "))),
            (inner.clone(), inner).prop_map(|(left, right)| format!("({left} OR {right})")),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_rendered_means_the_same(query in query_text(), seen in any::<u8>()) {
        // Some generated values are refused; that is another test's matter.
        if let Ok(parsed) = parse(&query, &labels(), now()) {
            let again = parse(&parsed.render(), &labels(), now());
            prop_assert_eq!(again.as_ref(), Ok(&parsed));
            let mut facts = facts();
            facts.labels = ["INBOX", "UNREAD", "Label_1", "SPAM"].iter().enumerate()
                .filter(|(bit, _)| seen >> bit & 1 == 1).map(|(_, label)| (*label).to_owned()).collect();
            let answer = parsed.matches(&facts);
            facts.labels.reverse();
            prop_assert_eq!(parsed.matches(&facts), answer);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(query in "([a-z]{0,3}|from:|subject:|newer_than:|-|OR|\\(|\\)|\\{|\\}|\"|é| |:|.){0,30}") {
        if let Ok(parsed) = parse(&query, &labels(), now()) {
            prop_assert_eq!(parse(&parsed.render(), &labels(), now()), Ok(parsed));
        }
    }
}
