//! What a person's next preview starts from. A running batch never reads it (invariant 1).

use serde_json::json;

use super::{Caller, Result, Vault, preview::scope};
use crate::{
    app::App,
    db::{audit, preferences::Preferences},
    domain::filter,
};

/// The person's preferences, or the defaults.
///
/// # Errors
/// When the database fails.
pub async fn load(app: &App, caller: &Caller) -> Result<Preferences> {
    let mut tx = app.db.begin_reading(caller.user).await?;
    let preferences = Preferences::load(&mut tx).await?;
    tx.commit().await?;
    Ok(preferences)
}

/// Stores preferences after checking them as a preview would.
///
/// # Errors
/// Refused when a value could not be used by a preview.
pub async fn save(app: &App, caller: &Caller, mut new: Preferences) -> Result<Preferences> {
    scope::bounded("mailDaysBack", new.mail_days_back, 1, 36_500)?;
    scope::calendar_window(new.calendar_days_back, new.calendar_days_ahead)?;
    // Label names are an account's, so they are resolved by the preview; the grammar can be checked now.
    if let Err(error) = filter::parse(&new.gmail_query, &[], app.clock.now())
        && !matches!(error, filter::QueryError::UnknownLabel(_))
    {
        return Err(scope::bad_query(&error).into());
    }
    new.excluded_senders = scope::names("excludedSenders", &new.excluded_senders)?;
    new.excluded_domains = scope::names("excludedDomains", &new.excluded_domains)?;
    let mut tx = app.db.begin(caller.user).await?;
    Vault::open_or_create(app, &mut tx).await?;
    new.save(&mut tx).await?;
    let entry = audit::Entry {
        action: "preferences",
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: None,
        preview: None,
        batch: None,
        counts: json!({}),
    };
    audit::insert(&mut tx, &entry).await?;
    tx.commit().await?;
    Ok(new)
}
