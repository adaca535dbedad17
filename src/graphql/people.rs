//! Contacts: what can be asked of them.

use async_graphql::{Context, Object, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    code::Code,
    company::Circle,
    error::{app, caller, read, refused},
    objects::contact::{BlocklistEntry, Contact, ContactSuggestion},
    page::{self, Connection, Window},
};
use crate::{
    db::{blocklist::Blocked, contacts::Contact as Row},
    sync::people,
};

/// The most suggestions of one answer.
const MOST_SUGGESTIONS: i32 = 50;
/// The longest text that is searched for, in bytes.
const MAX_SEARCH: usize = 200;

/// What is asked of people.
#[derive(Default)]
pub(super) struct PeopleQuery;

#[Object]
impl PeopleQuery {
    /// Contacts, those met last first. Who is one, the preference `contactPolicy` and the blocklist say.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the newest end, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor, towards those met longer ago.")] after: Option<String>,
        #[graphql(desc = "Rows from the oldest end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
        #[graphql(
            desc = "Only those with a word of their name, or an address, that begins with this; case does not matter. At most \
                    200 bytes."
        )]
        search: Option<String>,
    ) -> Result<Connection<Contact>> {
        let window = Window::new(first, after, last, before)?;
        let search = search.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.len() > MAX_SEARCH || text.contains('\0')) {
            return Err(Code::BadUserInput.field_error("A search has at most 200 bytes and no NUL."));
        }
        let (places, towards) = window.places()?;
        let look = async |tx: &mut _| Row::page(tx, search.as_deref(), places, towards, window.fetch()).await;
        let rows = read(ctx, look).await?;
        let (circle, key) = (Circle::of(&rows), |row: &Row| page::cursor((row.last_at, row.contact_id.0)));
        Ok(page::connection(&window, rows, key, |row| Contact::among(row, &circle)))
    }

    /// Contacts that may be one person, by their full name and at least one fact more; those met last first. It looks at the
    /// 5,000 newest addresses, and counts as 500 fields. Nothing is merged by itself.
    #[graphql(complexity = "500 + first.clamp(1, 50) as usize * child_complexity")]
    async fn contact_suggestions(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 10, desc = "Suggestions, 1 to 50.")] first: i32,
    ) -> Result<Vec<ContactSuggestion>> {
        let limit = usize::try_from(first).ok().filter(|_| (1..=MOST_SUGGESTIONS).contains(&first));
        let limit = limit.ok_or_else(|| Code::BadUserInput.field_error("There are 1 to 50 suggestions at a time."))?;
        let found = people::suggestions(app(ctx)?, &caller(ctx)?, limit).await;
        Ok(found.map_err(|error| refused(ctx, error))?.into_iter().map(Into::into).collect())
    }

    /// What is blocked, in the order of the alphabet.
    #[graphql(complexity = "first.or(last).unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn blocklist(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows from the beginning, 1 to 100; 25 when neither first nor last is given.")] first: Option<
            i32,
        >,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
        #[graphql(desc = "Rows from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "End before this cursor.")] before: Option<String>,
    ) -> Result<Connection<BlocklistEntry>> {
        let window = Window::new(first, after, last, before)?;
        let after = window.after.as_deref().map(entry_place).transpose()?;
        let before = window.before.as_deref().map(entry_place).transpose()?;
        let look = async |tx: &mut _| Blocked::page(tx, after, before, window.backward, window.fetch()).await;
        let rows = read(ctx, look).await?;
        Ok(page::connection(&window, rows, |row| URL_SAFE_NO_PAD.encode(&row.entry), BlocklistEntry::from))
    }
}

/// The blocklist's pages run by entry.
fn entry_place(cursor: &str) -> Result<String> {
    let read = || {
        let bytes = URL_SAFE_NO_PAD.decode(Some(cursor).filter(|text| text.len() <= 1_000)?).ok()?;
        String::from_utf8(bytes).ok().filter(|entry| !entry.contains('\0'))
    };
    read().ok_or_else(|| Code::BadUserInput.field_error("This cursor does not come from this list."))
}
