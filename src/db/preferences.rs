//! What a person's next preview starts from, and who is a contact of theirs.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, Queryable, Selectable, SelectableHelper, dsl::now};
use diesel_async::RunQueryDsl;

use super::{Result, Tx, schema::sync_preferences};
use crate::domain::people::ContactPolicy;

/// What Gmail puts under its other tabs stays out, and chats. Naming those, instead of `category:primary`, lets in what carries no
/// category: what the person has sent, without which nobody is a contact, and all mail of accounts without tabs.
const USUAL_QUERY: &str = "-category:promotions -category:social -category:updates -category:forums -in:chats";

/// A person's preferences.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = sync_preferences, check_for_backend(diesel::pg::Pg))]
pub struct Preferences {
    pub gmail_query: String,
    pub mail_days_back: i32,
    pub calendar_days_back: i32,
    pub calendar_days_ahead: i32,
    pub private_events: bool,
    pub excluded_senders: Vec<String>,
    pub excluded_domains: Vec<String>,
    pub contact_policy: ContactPolicy,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            gmail_query: USUAL_QUERY.to_owned(),
            mail_days_back: 30,
            calendar_days_back: 60,
            calendar_days_ahead: 60,
            private_events: false,
            excluded_senders: Vec::new(),
            excluded_domains: Vec::new(),
            contact_policy: ContactPolicy::Sent,
        }
    }
}

impl Preferences {
    /// The person's preferences, or the defaults for one who set none.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn load(tx: &mut Tx) -> Result<Self> {
        let query = sync_preferences::table.find(tx.user().0).select(Self::as_select());
        Ok(query.first(&mut **tx).await.optional()?.unwrap_or_default())
    }

    /// Stores the preferences.
    ///
    /// # Errors
    /// When the database refuses.
    pub async fn save(&self, tx: &mut Tx) -> Result<()> {
        let values = (
            sync_preferences::gmail_query.eq(&self.gmail_query),
            sync_preferences::mail_days_back.eq(self.mail_days_back),
            sync_preferences::calendar_days_back.eq(self.calendar_days_back),
            sync_preferences::calendar_days_ahead.eq(self.calendar_days_ahead),
            sync_preferences::private_events.eq(self.private_events),
            sync_preferences::excluded_senders.eq(&self.excluded_senders),
            sync_preferences::excluded_domains.eq(&self.excluded_domains),
            sync_preferences::contact_policy.eq(self.contact_policy.as_str()),
            sync_preferences::updated_at.eq(now),
        );
        diesel::insert_into(sync_preferences::table)
            .values((sync_preferences::user_id.eq(tx.user().0), values))
            .on_conflict(sync_preferences::user_id)
            .do_update()
            .set(values)
            .execute(&mut **tx)
            .await?;
        Ok(())
    }
}
