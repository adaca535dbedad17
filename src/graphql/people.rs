//! Contacts: what can be asked, and what a person decides about them.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject, connection::Connection};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    code::Code,
    company::Circle,
    error::{UserError, app, caller, payload, read, refused},
    id::{self, Kind},
    objects::contact::{BlocklistEntry, Contact, ContactSuggestion},
    page::{self, Window},
};
use crate::{
    db::{blocklist::Blocked, contacts::Contact as Row},
    domain::ids::ContactId,
    sync::{Refusal, people},
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
            desc = "Only those of whose name a word begins with this, or one of whose addresses does; case does not matter. At \
                    most 200 bytes."
        )]
        search: Option<String>,
    ) -> Result<Connection<String, Contact>> {
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
    #[graphql(complexity = "first.unwrap_or(25).clamp(1, 100) as usize * child_complexity + 1")]
    async fn blocklist(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Rows, 1 to 100; 25 when left out.")] first: Option<i32>,
        #[graphql(desc = "Begin after this cursor.")] after: Option<String>,
    ) -> Result<Connection<String, BlocklistEntry>> {
        let window = Window::new(first, after, None, None)?;
        let place = window.after.as_deref().map(entry_place).transpose()?;
        let rows = read(ctx, async |tx| Blocked::page(tx, place.as_deref(), window.fetch()).await).await?;
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

/// Which contacts are one person.
#[derive(InputObject)]
struct MergeContactsInput {
    /// The contacts, 2 to 50. The first stays, with its id and its name; the others become part of it.
    contact_ids: Vec<ID>,
}

/// What was made of them.
#[derive(SimpleObject)]
struct MergeContactsPayload {
    /// The one that stays; `null` when nothing was changed, and when the policy or the blocklist leaves nothing of it to show.
    contact: Option<Contact>,
    /// Why nothing was changed; empty when they are one.
    user_errors: Vec<UserError>,
}

/// Which addresses are someone else's.
#[derive(InputObject)]
struct SplitContactInput {
    /// The contact that has them.
    contact_id: ID,
    /// The addresses, as `Contact.identities` gives them; not all of them.
    addresses: Vec<String>,
}

/// What was made of it.
#[derive(SimpleObject)]
struct SplitContactPayload {
    /// What the contact is without them; `null` when nothing was changed, and where there is nothing of it to show.
    contact: Option<Contact>,
    /// The contact that they are now; `null` in the same cases.
    split: Option<Contact>,
    /// Why nothing was changed; empty when they are two.
    user_errors: Vec<UserError>,
}

/// What to call a contact.
#[derive(InputObject)]
struct RenameContactInput {
    /// The contact.
    contact_id: ID,
    /// The name, one line of at most 255 characters. When it is left out or empty, the contact is called as its interactions say.
    name: Option<String>,
}

/// What it is called now.
#[derive(SimpleObject)]
struct RenameContactPayload {
    /// The contact; `null` when nothing was changed, and where there is nothing of it to show.
    contact: Option<Contact>,
    /// Why nothing was changed; empty when it was.
    user_errors: Vec<UserError>,
}

/// Which contacts are different people.
#[derive(InputObject)]
struct DismissContactSuggestionInput {
    /// The contacts, 2 to 50: no two of them are suggested as one again.
    contact_ids: Vec<ID>,
}

/// Whether that was noted.
#[derive(SimpleObject)]
struct DismissContactSuggestionPayload {
    /// Why it was not; empty when it was.
    user_errors: Vec<UserError>,
}

/// Whom to block, or to block no longer.
#[derive(InputObject)]
struct BlockContactsInput {
    /// Addresses, and domains with or without `@` before them, which mean those below them, too; 1 to 100.
    entries: Vec<String>,
}

/// What was blocked, or is blocked no longer.
#[derive(SimpleObject)]
struct BlockContactsPayload {
    /// The entries as the blocklist writes them, in the order of the alphabet; empty when nothing was changed.
    entries: Vec<String>,
    /// Why nothing was changed; empty when it is as was asked.
    user_errors: Vec<UserError>,
}

/// The contacts of these ids; `None` when one of them is of something else.
fn contact_ids(ids: &[ID]) -> Option<Vec<ContactId>> {
    ids.iter().map(|id| id::decode_as(Kind::Contact, id).map(ContactId)).collect()
}

fn unknown(what: &'static str) -> Vec<UserError> {
    vec![Refusal::NotFound { what }.into()]
}

/// What a person decides about people.
#[derive(Default)]
pub(super) struct PeopleMutation;

#[Object]
impl PeopleMutation {
    /// Says that contacts are one person. It holds until they are split again, whatever comes in or is undone meanwhile.
    async fn merge_contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are one.")] input: MergeContactsInput,
    ) -> Result<MergeContactsPayload> {
        let Some(ids) = contact_ids(&input.contact_ids) else {
            return Ok(MergeContactsPayload { contact: None, user_errors: unknown("contact in contactIds") });
        };
        let (merged, user_errors) = payload(ctx, people::merge(app(ctx)?, &caller(ctx)?, ids).await)?;
        Ok(MergeContactsPayload { contact: merged.flatten().map(Contact::alone), user_errors })
    }

    /// Says that some addresses of a contact are someone else's, who is a contact of their own then. The two are not suggested
    /// as one again.
    async fn split_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to take apart.")] input: SplitContactInput,
    ) -> Result<SplitContactPayload> {
        let Some(id) = id::decode_as(Kind::Contact, &input.contact_id).map(ContactId) else {
            return Ok(SplitContactPayload { contact: None, split: None, user_errors: unknown("contact") });
        };
        let split = people::split(app(ctx)?, &caller(ctx)?, id, &input.addresses).await;
        let (split, user_errors) = payload(ctx, split)?;
        let (rest, apart) = split.map_or((None, None), |split| (split.rest, split.apart));
        Ok(SplitContactPayload { contact: rest.map(Contact::alone), split: apart.map(Contact::alone), user_errors })
    }

    /// Gives a contact a name, or takes it back.
    async fn rename_contact(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to call whom.")] input: RenameContactInput,
    ) -> Result<RenameContactPayload> {
        let Some(id) = id::decode_as(Kind::Contact, &input.contact_id).map(ContactId) else {
            return Ok(RenameContactPayload { contact: None, user_errors: unknown("contact") });
        };
        let renamed = people::rename(app(ctx)?, &caller(ctx)?, id, input.name.as_deref()).await;
        let (renamed, user_errors) = payload(ctx, renamed)?;
        Ok(RenameContactPayload { contact: renamed.flatten().map(Contact::alone), user_errors })
    }

    /// Says that contacts are different people.
    async fn dismiss_contact_suggestion(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which are different.")] input: DismissContactSuggestionInput,
    ) -> Result<DismissContactSuggestionPayload> {
        let Some(ids) = contact_ids(&input.contact_ids) else {
            return Ok(DismissContactSuggestionPayload { user_errors: unknown("contact in contactIds") });
        };
        let (_, user_errors) = payload(ctx, people::dismiss(app(ctx)?, &caller(ctx)?, ids).await)?;
        Ok(DismissContactSuggestionPayload { user_errors })
    }

    /// Takes the people of addresses and domains out of the contacts, those that are contacts already as well. Their mail and
    /// meetings stay on the timeline: `excludedSenders` and `excludedDomains` of a preview keep mail out.
    async fn block_contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to block.")] input: BlockContactsInput,
    ) -> Result<BlockContactsPayload> {
        let blocked = people::block(app(ctx)?, &caller(ctx)?, &input.entries).await;
        let (entries, user_errors) = payload(ctx, blocked)?;
        Ok(BlockContactsPayload { entries: entries.unwrap_or_default(), user_errors })
    }

    /// Takes entries off the blocklist. Whom nothing else blocks is a contact again, with everything that was decided about them.
    async fn unblock_contacts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whom to block no longer.")] input: BlockContactsInput,
    ) -> Result<BlockContactsPayload> {
        let unblocked = people::unblock(app(ctx)?, &caller(ctx)?, &input.entries).await;
        let (entries, user_errors) = payload(ctx, unblocked)?;
        Ok(BlockContactsPayload { entries: entries.unwrap_or_default(), user_errors })
    }
}
