//! The whole scope as a predicate: labels, date, exclusions and query of mail; type, privacy and exclusions of events.

use super::{
    EventFacts, MailFacts, Rule,
    parse::{self, QueryError},
    query::{self, Query},
    words,
};
use crate::domain::consent::{CalendarScope, Exclusions, Label, MailScope};

/// The rule that keeps out what lies in the provider's bin.
pub const TRASHED: &str = "in:trash";

/// Senders in one query. Gmail says nowhere how long one may be.
const TERMS: usize = 50;

/// A mail scope made ready: parsed once, asked for every mail.
#[derive(Clone, Debug)]
pub struct MailFilter {
    query: Query,
    scope: MailScope,
    exclusions: Exclusions,
}

impl MailFilter {
    /// Makes the approved scope ready.
    ///
    /// # Errors
    /// When its query cannot be used; one that a preview has accepted always can.
    pub fn compile(scope: &MailScope, exclusions: &Exclusions) -> Result<Self, QueryError> {
        let query = parse::absolute(&scope.query, &scope.labels)?;
        Ok(Self { query, scope: scope.clone(), exclusions: exclusions.clone() })
    }

    /// Whether a mail is inside; `Err` names the first rule that keeps it out.
    ///
    /// # Errors
    /// The rule: `in:spam`, `in:trash`, `after`, `labels`, `label:<name>`, `sender:<address>`, `domain:<domain>`, or
    /// `query:<the part of the query that does not hold>`.
    pub fn is_inside(&self, facts: &MailFacts) -> Result<(), Rule> {
        let has = |label: &str| facts.labels.iter().any(|own| own == label);
        for (label, rule) in [("SPAM", "in:spam"), ("TRASH", TRASHED)] {
            let is_asked = self.query.reaches(label) || self.scope.include_labels.iter().any(|asked| asked == label);
            if has(label) && !is_asked {
                return Err(rule.to_owned());
            }
        }
        if facts.internal_date < self.scope.after {
            return Err("after".to_owned());
        }
        if !self.scope.include_labels.is_empty() && !self.scope.include_labels.iter().any(|label| has(label)) {
            return Err("labels".to_owned());
        }
        if let Some(label) = self.scope.exclude_labels.iter().find(|label| has(label)) {
            return Err(format!("label:{}", name_of(label, &self.scope.labels)));
        }
        facts.from.iter().map(|from| words::address(from)).try_for_each(|sender| check(&self.exclusions, sender))?;
        self.query.failing(facts).map_or(Ok(()), |part| Err(format!("query:{part}")))
    }
}

/// The query to list a scope's mail with: the scope's own query, its date and its labels, in Gmail's words.
pub fn provider_query(scope: &MailScope) -> String {
    let label = |id: &String| query::label_term(id, name_of(id, &scope.labels));
    let included: Vec<_> = scope.include_labels.iter().map(label).collect();
    let included = match included.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("{{{}}}", many.join(" "))),
    };
    let query = Some(scope.query.trim().to_owned()).filter(|query| !query.is_empty());
    // Gmail's unit is the second; what it lists of the first one too many, the predicate leaves out.
    let after = Some(scope.after.timestamp()).filter(|secs| *secs > 0).map(|secs| format!("after:{secs}"));
    let excluded = scope.exclude_labels.iter().map(|id| format!("-{}", label(id)));
    query.into_iter().chain(after).chain(included).chain(excluded).collect::<Vec<_>>().join(" ")
}

/// The scope's mail that comes from somebody excluded, and perhaps some more: in parts, each short enough for a query.
///
/// Gmail's `from:` finds an address or a domain anywhere in the header, so it finds at least what [`MailFilter`] keeps out for
/// its sender.
pub fn excluded_parts(scope: &MailScope, exclusions: &Exclusions) -> Vec<MailScope> {
    let names: Vec<&String> = exclusions.senders.iter().chain(&exclusions.domains).collect();
    let part = |names: &[&String]| {
        let terms: Vec<String> = names.iter().map(|name| format!("from:{}", query::hyphened(name))).collect();
        MailScope { query: format!("{} {{{}}}", scope.query, terms.join(" ")), ..scope.clone() }
    };
    names.chunks(TERMS).map(part).collect()
}

/// Whether an event is inside, apart from its time; `Err` names the rule that keeps it out.
///
/// # Errors
/// The rule: `event_type:<type>`, `private`, `sender:<address>` or `domain:<domain>` of the organizer.
pub fn event_is_inside(scope: &CalendarScope, exclusions: &Exclusions, facts: &EventFacts) -> Result<(), Rule> {
    // Birthdays, working hours and the like are no meetings with anyone.
    if !matches!(facts.event_type.as_str(), "" | "default" | "fromGmail") {
        return Err(format!("event_type:{}", facts.event_type));
    }
    if !scope.private_events && matches!(facts.visibility.as_str(), "private" | "confidential") {
        return Err("private".to_owned());
    }
    check(exclusions, &facts.organizer)
}

/// `Err` names the exclusion that an address falls under.
fn check(exclusions: &Exclusions, address: &str) -> Result<(), Rule> {
    if let Some(sender) = exclusions.senders.iter().find(|sender| sender.trim().eq_ignore_ascii_case(address)) {
        return Err(format!("sender:{sender}"));
    }
    let Some((_, host)) = address.rsplit_once('@') else { return Ok(()) };
    match exclusions.domains.iter().find(|domain| is_within(host, domain)) {
        Some(domain) => Err(format!("domain:{domain}")),
        None => Ok(()),
    }
}

/// Whether a host is the domain or one of its subdomains: `mail.example.com` is within `example.com`,
/// `evilexample.com` is not.
pub(super) fn is_within(host: &str, domain: &str) -> bool {
    let clean = |name: &str| name.trim().trim_matches(['.', '@']).to_lowercase();
    let (host, domain) = (clean(host), clean(domain));
    let is_subdomain = || host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'));
    !domain.is_empty() && (host == domain || is_subdomain())
}

/// What a label was called at preview time; its id when it is not known.
fn name_of<'x>(id: &'x str, labels: &'x [Label]) -> &'x str {
    labels.iter().find(|label| label.id == id).map_or(id, |label| &label.name)
}
