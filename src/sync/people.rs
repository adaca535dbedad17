//! What a person decides about people: who is one, who are two, what they are called, and who is none.
//!
//! Decisions are the person's own rows and outlive what they were made about; a projection never changes them. All of these
//! verbs may be said twice.

use serde_json::{Value, json};

use super::{Caller, Refusal, Result};
use crate::{
    app::App,
    db::{
        Tx, audit, blocklist,
        contacts::{self, Contact, Dismissals, Identity},
        people,
    },
    domain::{
        self,
        ids::{ContactId, UserId},
        people::suggest::{self, EvidenceKind},
    },
};

/// The most contacts that one call names.
const MAX_CONTACTS: usize = 50;
/// The most addresses of one contact.
const MAX_ADDRESSES: usize = 100;
/// The most entries of the blocklist that one call names, and that there are.
const MAX_ENTRIES: usize = 100;
const MAX_BLOCKED: i64 = 10_000;
/// The longest name that a person may give, in characters.
const MAX_NAME: usize = 255;
/// Suggestions come from so many addresses, those of the contacts met last; of each, so many interactions are looked at.
const SUGGEST_FROM: i64 = 5_000;
const SUGGEST_DEPTH: i64 = 50;

fn invalid(field: &'static str, message: impl Into<String>) -> Refusal {
    Refusal::Invalid { field, message: message.into() }
}

/// Names each contact once, in the order given.
fn bounded(mut ids: Vec<ContactId>) -> Result<Vec<ContactId>, Refusal> {
    let mut seen = std::collections::HashSet::new();
    ids.retain(|id| seen.insert(*id));
    if ids.len() > MAX_CONTACTS {
        return Err(invalid("contactIds", format!("contactIds takes at most {MAX_CONTACTS} ids.")));
    }
    Ok(ids)
}

fn none_of_these() -> Refusal {
    Refusal::NotFound { what: "contact in contactIds" }
}

async fn note(tx: &mut Tx, caller: &Caller, action: &'static str, counts: Value) -> Result<()> {
    let entry = audit::Entry {
        action,
        outcome: "succeeded",
        request: Some((&caller.request_id, &caller.client)),
        account: None,
        preview: None,
        batch: None,
        counts,
    };
    Ok(audit::insert(tx, &entry).await?)
}

async fn shown(tx: &mut Tx, id: ContactId) -> Result<Option<Contact>> {
    Ok(Contact::of_ids(tx, &[id]).await?.pop())
}

/// Says that contacts are one person: the first of them, which it gives as it stands then. `None` where the policy or the
/// blocklist leaves nothing of it to show.
///
/// # Errors
/// Refused when one of them is unknown, or when they are too many or have too many addresses.
pub async fn merge(app: &App, caller: &Caller, ids: Vec<ContactId>) -> Result<Option<Contact>> {
    let ids = bounded(ids)?;
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let identities = Identity::of_contacts(&mut tx, &ids).await?;
    let into = *ids.first().ok_or_else(none_of_these)?;
    let is_known = |id: &ContactId| identities.iter().any(|one| one.contact_id == *id || bears(caller.user, one, *id));
    if !identities.iter().any(|one| one.contact_id == into) || !ids.iter().all(is_known) {
        return Err(none_of_these().into());
    }
    if ids.len() < 2 {
        return Err(invalid("contactIds", "Name at least two contacts.").into());
    }
    if identities.len() > MAX_ADDRESSES {
        return Err(invalid("contactIds", format!("One contact has at most {MAX_ADDRESSES} addresses.")).into());
    }
    let others = &ids[1..];
    if identities.iter().any(|one| one.contact_id != into) {
        join(&mut tx, into, others, &identities).await?;
        note(&mut tx, caller, "merge_contacts", json!({ "contacts": ids.len(), "addresses": identities.len() }))
            .await?;
    }
    let merged = shown(&mut tx, into).await?;
    tx.commit().await?;
    Ok(merged)
}

/// Whether an address would have this contact's id: the contact was merged away before.
fn bears(user: UserId, one: &Identity, id: ContactId) -> bool {
    one.decided_at.is_some()
        && [ContactId::of_address(user, &one.address), ContactId::apart(user, &one.address)].contains(&id)
}

async fn join(tx: &mut Tx, into: ContactId, others: &[ContactId], identities: &[Identity]) -> Result<()> {
    let addresses: Vec<String> = identities.iter().map(|one| one.address.clone()).collect();
    contacts::decide(tx, &addresses, into).await?;
    let all: Vec<ContactId> = std::iter::once(into).chain(others.iter().copied()).collect();
    let names = contacts::given_names(tx, &all).await?;
    // The first that has one: the one that stays, if it has.
    let name = all.iter().find_map(|id| names.iter().find(|(of, _)| of == id)).map(|(_, name)| name.as_str());
    let different: Vec<_> =
        Dismissals::load(tx, Some(others)).await?.others(&all).into_iter().map(|other| (into, other)).collect();
    contacts::forget(tx, others).await?;
    contacts::dismiss(tx, &different).await?;
    if let Some(name) = name {
        contacts::give_name(tx, into, Some(name)).await?;
    }
    Ok(people::refresh(tx, all).await?)
}

/// What a split has made of a contact. Each is `None` where there is nothing of it to show.
#[derive(Clone, Debug)]
pub struct Split {
    /// What it was taken from.
    pub rest: Option<Contact>,
    /// The one that has begun.
    pub apart: Option<Contact>,
}

/// Says that some addresses of a contact are someone else's.
///
/// # Errors
/// Refused when there is no such contact, or the addresses are not its, or all of its.
pub async fn split(app: &App, caller: &Caller, id: ContactId, addresses: &[String]) -> Result<Split> {
    let mut addresses: Vec<String> = addresses.iter().map(|address| domain::people::mailbox(address)).collect();
    addresses.sort_unstable();
    addresses.dedup();
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let all = Identity::of_contacts(&mut tx, &[id]).await?;
    if all.is_empty() {
        return Err(Refusal::NotFound { what: "contact" }.into());
    }
    if addresses.is_empty() || addresses.len() > MAX_ADDRESSES || addresses.iter().any(|one| one.contains('\0')) {
        return Err(invalid("addresses", format!("addresses takes 1 to {MAX_ADDRESSES} addresses.")).into());
    }
    let (parted, rest): (Vec<_>, Vec<_>) =
        all.into_iter().map(|one| one.address).partition(|one| addresses.contains(one));
    let apart = if parted.len() < addresses.len() {
        let unknown = || invalid("addresses", "addresses holds one that this contact does not have.");
        split_off(&mut tx, &addresses, id).await?.ok_or_else(unknown)?
    } else if rest.is_empty() {
        return Err(invalid("addresses", "Leave the contact at least one address.").into());
    } else {
        let apart = free_id(&mut tx, &addresses[0]).await?;
        contacts::decide(&mut tx, &parted, apart).await?;
        contacts::decide(&mut tx, &rest, id).await?;
        contacts::dismiss(&mut tx, &[(id, apart)]).await?;
        people::refresh(&mut tx, vec![id, apart]).await?;
        note(&mut tx, caller, "split_contact", json!({ "addresses": parted.len() })).await?;
        apart
    };
    let split = Split { rest: shown(&mut tx, id).await?, apart: shown(&mut tx, apart).await? };
    tx.commit().await?;
    Ok(split)
}

/// The contact that these addresses are since this very split was asked for before; `None` when it was not.
async fn split_off(tx: &mut Tx, addresses: &[String], from: ContactId) -> Result<Option<ContactId>> {
    let theirs = Identity::of_addresses(tx, addresses).await?;
    let Some(apart) = theirs.first().map(|one| one.contact_id) else { return Ok(None) };
    let is_all = theirs.len() == addresses.len() && theirs.iter().all(|one| one.contact_id == apart);
    Ok((is_all && Dismissals::load(tx, Some(&[from])).await?.hold(from, apart)).then_some(apart))
}

/// An id for a contact that begins with an address: its own, unless another contact has it.
async fn free_id(tx: &mut Tx, address: &str) -> Result<ContactId> {
    let ids = [ContactId::of_address(tx.user(), address), ContactId::apart(tx.user(), address)];
    let taken = Identity::of_contacts(tx, &ids).await?;
    let is_free = |id: &ContactId| taken.iter().all(|one| one.contact_id != *id);
    Ok(ids.into_iter().find(is_free).unwrap_or_else(ContactId::generate))
}

/// Gives a contact a name; `None` goes back to what their own interactions call them.
///
/// # Errors
/// Refused when there is no such contact, or the name is no name.
pub async fn rename(app: &App, caller: &Caller, id: ContactId, name: Option<&str>) -> Result<Option<Contact>> {
    let name = name.map(str::trim).filter(|name| !name.is_empty());
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let addresses: Vec<String> =
        Identity::of_contacts(&mut tx, &[id]).await?.into_iter().map(|one| one.address).collect();
    if addresses.is_empty() {
        return Err(Refusal::NotFound { what: "contact" }.into());
    }
    if name.is_some_and(|name| name.chars().count() > MAX_NAME || name.chars().any(char::is_control)) {
        return Err(invalid("name", format!("A name is one line of at most {MAX_NAME} characters.")).into());
    }
    contacts::give_name(&mut tx, id, name).await?;
    contacts::decide(&mut tx, &addresses, id).await?;
    people::refresh(&mut tx, vec![id]).await?;
    note(&mut tx, caller, "rename_contact", json!({ "named": u8::from(name.is_some()) })).await?;
    let renamed = shown(&mut tx, id).await?;
    tx.commit().await?;
    Ok(renamed)
}

/// Says that contacts are different people, so that no two of them are suggested as one again.
///
/// # Errors
/// Refused when one of them is unknown, or when they are less than two or too many.
pub async fn dismiss(app: &App, caller: &Caller, ids: Vec<ContactId>) -> Result<()> {
    let ids = bounded(ids)?;
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let identities = Identity::of_contacts(&mut tx, &ids).await?;
    if ids.is_empty() || !ids.iter().all(|id| identities.iter().any(|one| one.contact_id == *id)) {
        return Err(none_of_these().into());
    }
    if ids.len() < 2 {
        return Err(invalid("contactIds", "Name at least two contacts.").into());
    }
    let pairs = ids.iter().enumerate().flat_map(|(n, other)| ids[..n].iter().map(move |one| (*one, *other)));
    let pairs: Vec<_> = pairs.collect();
    if contacts::dismiss(&mut tx, &pairs).await? > 0 {
        note(&mut tx, caller, "dismiss_suggestion", json!({ "contacts": ids.len() })).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// The entries as they are stored.
fn entries(texts: &[String]) -> Result<Vec<String>, Refusal> {
    if texts.is_empty() || texts.len() > MAX_ENTRIES {
        return Err(invalid("entries", format!("entries takes 1 to {MAX_ENTRIES} addresses and domains.")));
    }
    let read: Option<Vec<String>> = texts.iter().map(|text| domain::people::entry(text)).collect();
    let mut entries = read.ok_or_else(|| invalid("entries", "entries holds one that is no address and no domain."))?;
    entries.sort_unstable();
    entries.dedup();
    Ok(entries)
}

/// Takes the people of addresses and domains out of the contacts, those of the past as well. Gives the entries as they are
/// stored.
///
/// # Errors
/// Refused when one is neither, or there are too many.
pub async fn block(app: &App, caller: &Caller, texts: &[String]) -> Result<Vec<String>> {
    let entries = entries(texts)?;
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let n_new = blocklist::add(&mut tx, &entries).await?;
    if blocklist::count(&mut tx).await? > MAX_BLOCKED {
        return Err(invalid("entries", format!("A blocklist has at most {MAX_BLOCKED} entries.")).into());
    }
    if n_new > 0 {
        people::hide(&mut tx, &entries).await?;
        note(&mut tx, caller, "block", json!({ "entries": n_new })).await?;
    }
    tx.commit().await?;
    Ok(entries)
}

/// Takes entries off the blocklist: whom nothing else blocks is a contact again. Gives the entries as they were stored.
///
/// # Errors
/// Refused when one is neither an address nor a domain, or there are too many.
pub async fn unblock(app: &App, caller: &Caller, texts: &[String]) -> Result<Vec<String>> {
    let entries = entries(texts)?;
    let mut tx = app.db.begin(caller.user).await?;
    people::hold(&mut tx).await?;
    let n_gone = blocklist::remove(&mut tx, &entries).await?;
    if n_gone > 0 {
        people::hide(&mut tx, &entries).await?;
        note(&mut tx, caller, "unblock", json!({ "entries": n_gone })).await?;
    }
    tx.commit().await?;
    Ok(entries)
}

/// Two contacts that may be one person.
#[derive(Clone, Debug)]
pub struct Suggestion {
    /// The one met last comes first.
    pub contacts: [Contact; 2],
    /// Which addresses of theirs.
    pub addresses: [String; 2],
    /// What speaks for it; at least two facts.
    pub evidence: Vec<EvidenceKind>,
}

/// Up to `limit` pairs of contacts that may be one person. Nothing is merged by itself.
///
/// # Errors
/// When the database fails.
pub async fn suggestions(app: &App, caller: &Caller, limit: usize) -> Result<Vec<Suggestion>> {
    let mut tx = app.db.begin(caller.user).await?;
    let known = Identity::newest(&mut tx, SUGGEST_FROM).await?;
    let dismissals = Dismissals::load(&mut tx, None).await?;
    let mut pairs = suggest::pairs(&known, |left, right| dismissals.hold(left, right));
    contacts::add_evidence(&mut tx, &mut pairs, SUGGEST_DEPTH).await?;
    pairs.retain(|pair| pair.evidence.len() > 1);
    let ids: Vec<ContactId> = pairs.iter().flat_map(|pair| pair.contacts).collect();
    let contacts = Contact::of_ids(&mut tx, &ids).await?;
    tx.commit().await?;
    let find = |id: ContactId| contacts.iter().find(|one| one.contact_id == id).cloned();
    let mut seen = std::collections::HashSet::new();
    // Contacts with several addresses may be found by several pairs of them.
    let first = pairs.into_iter().filter(|pair| seen.insert(pair.contacts));
    let suggestion = |pair: suggest::Pair| {
        let [one, other] = pair.contacts;
        Some(Suggestion { contacts: [find(one)?, find(other)?], addresses: pair.addresses, evidence: pair.evidence })
    };
    Ok(first.filter_map(suggestion).take(limit).collect())
}
