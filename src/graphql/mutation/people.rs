//! What a person decides about people.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use crate::{
    domain::ids::ContactId,
    graphql::{
        error::{UserError, app, caller, payload},
        id::{self, Kind},
        objects::contact::Contact,
    },
    sync::{Refusal, people},
};

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

/// Whom to block.
#[derive(InputObject)]
struct BlockContactsInput {
    /// Addresses, and domains with or without `@` before them, which mean those below them, too; 1 to 100.
    entries: Vec<String>,
}

/// What was blocked.
#[derive(SimpleObject)]
struct BlockContactsPayload {
    /// The entries as the blocklist writes them, in the order of the alphabet; empty when nothing was changed.
    entries: Vec<String>,
    /// Why nothing was changed; empty when it is as was asked.
    user_errors: Vec<UserError>,
}

/// Whom to block no longer.
#[derive(InputObject)]
struct UnblockContactsInput {
    /// Entries of the blocklist, as they stand there or as they were given; 1 to 100.
    entries: Vec<String>,
}

/// What is blocked no longer.
#[derive(SimpleObject)]
struct UnblockContactsPayload {
    /// The entries as the blocklist wrote them, in the order of the alphabet; empty when nothing was changed.
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
pub(in crate::graphql) struct PeopleMutation;

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
        #[graphql(desc = "Whom to block no longer.")] input: UnblockContactsInput,
    ) -> Result<UnblockContactsPayload> {
        let unblocked = people::unblock(app(ctx)?, &caller(ctx)?, &input.entries).await;
        let (entries, user_errors) = payload(ctx, unblocked)?;
        Ok(UnblockContactsPayload { entries: entries.unwrap_or_default(), user_errors })
    }
}
