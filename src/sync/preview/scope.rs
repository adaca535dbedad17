//! What a person asks for, made absolute: the scopes of the consent snapshot.

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    super::{Refusal, Result, session::Session},
    Request,
};
use crate::{
    app::App,
    db::preferences::Preferences,
    domain::{
        account::Service,
        consent::{CalendarScope, Exclusions, MailScope},
        filter,
        stream::Collection,
    },
};

/// The most senders and domains left out in one preview.
const MAX_EXCLUSIONS: usize = 500;
/// The most calendars in one preview.
const MAX_CALENDARS: usize = 50;

pub(super) fn chosen_services(session: &Session, request: &Request) -> Result<Vec<Service>> {
    let Some(chosen) = &request.services else {
        let granted = Service::ALL.iter().copied().filter(|service| service.is_granted(&session.account.scopes));
        return Ok(granted.collect());
    };
    if chosen.is_empty() {
        return Err(Refusal::NothingChosen.into());
    }
    chosen.iter().try_for_each(|service| session.require(*service))?;
    Ok(chosen.clone())
}

pub(in crate::sync) fn bounded(field: &'static str, value: i32, least: i32, most: i32) -> Result<TimeDelta, Refusal> {
    if (least..=most).contains(&value) {
        return Ok(TimeDelta::days(value.into()));
    }
    Err(Refusal::Invalid { field, message: format!("{field} must be between {least} and {most}.") })
}

/// How far a calendar is looked at, back and ahead.
pub(in crate::sync) fn calendar_window(back: i32, ahead: i32) -> Result<(TimeDelta, TimeDelta), Refusal> {
    if (back, ahead) == (0, 0) {
        // Google refuses a window without extent.
        let message = "calendarDaysAhead and calendarDaysBack must not both be 0.".to_owned();
        return Err(Refusal::Invalid { field: "calendarDaysAhead", message });
    }
    Ok((bounded("calendarDaysBack", back, 0, 3_650)?, bounded("calendarDaysAhead", ahead, 0, 3_650)?))
}

/// A query that cannot be used, as a sentence.
pub(in crate::sync) fn bad_query(error: &filter::QueryError) -> Refusal {
    Refusal::Invalid { field: "gmailQuery", message: format!("The mail query cannot be used: {error}.") }
}

/// Cleans a list of addresses or domains.
pub(in crate::sync) fn names(field: &'static str, values: &[String]) -> Result<Vec<String>, Refusal> {
    if values.len() > MAX_EXCLUSIONS {
        return Err(Refusal::Invalid { field, message: format!("{field} takes at most {MAX_EXCLUSIONS} entries.") });
    }
    let mut clean: Vec<String> = Vec::with_capacity(values.len());
    for value in values {
        let value = value.trim().to_lowercase();
        if value.is_empty() || value.len() > 320 || value.contains(|c: char| c.is_whitespace() || c.is_control()) {
            let message = format!("{field} holds an entry that is no address or domain.");
            return Err(Refusal::Invalid { field, message });
        }
        clean.push(value);
    }
    clean.sort_unstable();
    clean.dedup();
    Ok(clean)
}

pub(super) fn exclusions(request: &Request, preferences: &Preferences) -> Result<Exclusions, Refusal> {
    Ok(Exclusions {
        senders: names("excludedSenders", request.excluded_senders.as_ref().unwrap_or(&preferences.excluded_senders))?,
        domains: names("excludedDomains", request.excluded_domains.as_ref().unwrap_or(&preferences.excluded_domains))?,
    })
}

pub(super) async fn mail_scope(
    app: &App,
    session: &Session,
    request: &Request,
    preferences: &Preferences,
    now: DateTime<Utc>,
) -> Result<MailScope> {
    let back = bounded("mailDaysBack", request.mail_days_back.unwrap_or(preferences.mail_days_back), 1, 36_500)?;
    let labels = session.labels(app).await?;
    for (field, ids) in [("includeLabels", &request.include_labels), ("excludeLabels", &request.exclude_labels)] {
        if let Some(unknown) = ids.iter().find(|id| !labels.iter().any(|label| &label.id == *id)) {
            let shown: String = unknown.chars().take(100).collect();
            return Err(Refusal::Invalid {
                field,
                message: format!("This account has no label with the id {shown:?}."),
            }
            .into());
        }
    }
    let query = request.gmail_query.as_ref().unwrap_or(&preferences.gmail_query);
    // Made absolute now, so that a run next week still reads what was shown today.
    let query = filter::parse(query, &labels, now).map_err(|error| bad_query(&error))?;
    Ok(MailScope {
        query: query.render(),
        include_labels: request.include_labels.clone(),
        exclude_labels: request.exclude_labels.clone(),
        labels,
        // Google's dates begin in 1970; no mail is older.
        after: (now - back).max(DateTime::UNIX_EPOCH),
    })
}

pub(super) async fn calendar_scope(
    app: &App,
    session: &Session,
    request: &Request,
    preferences: &Preferences,
    now: DateTime<Utc>,
) -> Result<(CalendarScope, Vec<Collection>)> {
    let back = request.calendar_days_back.unwrap_or(preferences.calendar_days_back);
    let ahead = request.calendar_days_ahead.unwrap_or(preferences.calendar_days_ahead);
    let (back, ahead) = calendar_window(back, ahead)?;
    let all = session.calendars(app).await?;
    let calendars: Vec<Collection> = match &request.calendars {
        None => all.into_iter().filter(|calendar| calendar.primary).collect(),
        Some(ids) => {
            if ids.is_empty() || ids.len() > MAX_CALENDARS {
                let message = format!("calendars takes 1 to {MAX_CALENDARS} ids.");
                return Err(Refusal::Invalid { field: "calendars", message }.into());
            }
            let known =
                |id: &String| all.iter().find(|calendar| &calendar.id == id || (id == "primary" && calendar.primary));
            let found: Option<Vec<_>> = ids.iter().map(|id| known(id).cloned()).collect();
            found.ok_or_else(|| Refusal::Invalid {
                field: "calendars",
                message: "calendars holds an id that this account does not have.".to_owned(),
            })?
        }
    };
    let scope = CalendarScope {
        calendars: calendars.iter().map(|calendar| calendar.id.clone()).collect(),
        from: now - back,
        to: now + ahead,
        private_events: request.private_events.unwrap_or(preferences.private_events),
    };
    Ok((scope, calendars))
}
