//! Gmail: ids by listing or by history, then each message whole (`format=raw`).

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use bytes::Bytes;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::client::{Client, address, parse};
use super::error::{Method, failure};
use crate::domain::{
    consent::{Label, MailScope},
    filter::provider_query,
    quota::GMAIL_PAGE,
    stream::Cursor,
};
use crate::providers::{Class, Entry, Error, Next, Page, Payload};

/// How deep parts are looked at for an outline. Mail programs nest three deep; what lies deeper is in nobody's sight.
const OUTLINE_DEPTH: usize = 6;

/// Addresses of one mailbox that are kept. Gmail lets people have 99 beside their own.
const MAX_ADDRESSES: usize = 100;

/// The Gmail API.
pub(super) struct Gmail {
    root: Url,
    client: Client,
}

impl Gmail {
    pub(super) fn new(root: Url, client: Client) -> Self {
        Self { root, client }
    }

    pub(super) async fn labels(&self, access: &SecretString) -> Result<Vec<Label>, Error> {
        #[derive(Deserialize)]
        struct Reply {
            #[serde(default)]
            labels: Vec<Label>,
        }
        let body = self.client.get(Method::Labels, self.address(&["labels"]), access).await?;
        parse(Method::Labels, &body).map(|reply: Reply| reply.labels)
    }

    /// The addresses that mail of the person is sent from: their own, and those they have shown to be theirs and have Gmail
    /// take for their own. In others they write in somebody's name.
    pub(super) async fn addresses(&self, access: &SecretString) -> Result<Vec<String>, Error> {
        let body = self.client.get(Method::Addresses, self.address(&["settings", "sendAs"]), access).await?;
        let reply: SendAsList = parse(Method::Addresses, &body)?;
        let own = reply.send_as.into_iter().filter(SendAs::is_own);
        let own: BTreeSet<String> = own.map(|one| one.send_as_email.trim().to_lowercase()).collect();
        Ok(own.into_iter().filter(|address| !address.is_empty()).take(MAX_ADDRESSES).collect())
    }

    /// Where the mailbox's history stands now.
    pub(super) async fn baseline(&self, access: &SecretString) -> Result<Cursor, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Profile {
            history_id: String,
        }
        let body = self.client.get(Method::Profile, self.address(&["profile"]), access).await?;
        let profile: Profile = parse(Method::Profile, &body)?;
        cursor(Method::Profile, profile.history_id)
    }

    pub(super) async fn list(
        &self,
        access: &SecretString,
        scope: &MailScope,
        page: Option<&str>,
    ) -> Result<Page, Error> {
        let mut url = self.address(&["messages"]);
        url.query_pairs_mut()
            .append_pair("q", &provider_query(scope))
            .append_pair("maxResults", &GMAIL_PAGE.to_string())
            // Gmail takes several ids as all-of, we mean any-of: only one narrows the list rightly, the filter does the rest.
            .extend_pairs(only(&scope.include_labels).map(|label| ("labelIds", label)))
            .extend_pairs(page.map(|page| ("pageToken", page)));
        let body = self.client.get(Method::Messages, url, access).await?;
        let reply: Listed = parse(Method::Messages, &body)?;
        Ok(Page {
            entries: reply.messages.into_iter().map(|message| Entry::Id(message.id)).collect(),
            next: reply.next_page_token.map_or(Next::End(None), Next::Page),
            estimate: reply.result_size_estimate,
        })
    }

    pub(super) async fn changes(
        &self,
        access: &SecretString,
        since: &Cursor,
        page: Option<&str>,
    ) -> Result<Page, Error> {
        let mut url = self.address(&["history"]);
        url.query_pairs_mut()
            .append_pair("startHistoryId", &since.0)
            .append_pair("maxResults", &GMAIL_PAGE.to_string())
            .extend_pairs(page.map(|page| ("pageToken", page)));
        let body = self.client.get(Method::History, url, access).await?;
        let reply: History<'_> = parse(Method::History, &body)?;
        let entries = changed(&body, &reply.history)?;
        let next = match (reply.next_page_token, reply.history_id) {
            (Some(page), _) => Next::Page(page),
            (None, Some(history_id)) => Next::End(Some(cursor(Method::History, history_id)?)),
            (None, None) => Next::End(None),
        };
        Ok(Page { entries, next, estimate: None })
    }

    /// One message, whole.
    pub(super) async fn message(&self, access: &SecretString, id: &str) -> Result<Payload, Error> {
        self.get(access, id, &[("format", "raw")]).await
    }

    /// The headers of one message and of its parts.
    pub(super) async fn outline(&self, access: &SecretString, id: &str) -> Result<Payload, Error> {
        let parts = (0..OUTLINE_DEPTH).fold("headers".to_owned(), |inner, _| format!("headers,parts({inner})"));
        let fields = format!("id,threadId,labelIds,snippet,sizeEstimate,historyId,internalDate,payload({parts})");
        self.get(access, id, &[("format", "full"), ("fields", &fields)]).await
    }

    async fn get(&self, access: &SecretString, id: &str, parameters: &[(&str, &str)]) -> Result<Payload, Error> {
        let mut url = self.address(&["messages", id]);
        url.query_pairs_mut().extend_pairs(parameters);
        let json = self.client.get(Method::Message, url, access).await?;
        let message: Message<'_> = parse(Method::Message, &json)?;
        if message.id != id {
            return Err(failure(Class::Transient, Method::Message, "reply about another message"));
        }
        let version = version(Method::Message, &message.history_id)?;
        Ok(Payload { source_id: id.to_owned(), version, group: id.to_owned(), json })
    }

    fn address(&self, segments: &[&str]) -> Url {
        address(&self.root, &[&["gmail", "v1", "users", "me"], segments].concat())
    }
}

/// `settings.sendAs.list`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendAsList {
    #[serde(default)]
    send_as: Vec<SendAs>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SendAs {
    send_as_email: String,
    #[serde(default)]
    is_primary: bool,
    #[serde(default)]
    treat_as_alias: bool,
    /// Said of those that had to be shown to be one's own.
    verification_status: Option<String>,
}

impl SendAs {
    fn is_own(&self) -> bool {
        let is_verified = self.verification_status.as_deref().is_none_or(|status| status == "accepted");
        self.is_primary || (self.treat_as_alias && is_verified)
    }
}

/// `messages.list`. Google leaves `messages` out when there are none.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    #[serde(default)]
    messages: Vec<MessageId>,
    next_page_token: Option<String>,
    result_size_estimate: Option<u64>,
}

#[derive(Deserialize)]
struct MessageId {
    id: String,
}

/// The little of `messages.get` that is read here; the mail itself is skipped, not decoded.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    history_id: Cow<'a, str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct History<'a> {
    #[serde(borrow, default)]
    history: Vec<&'a RawValue>,
    next_page_token: Option<String>,
    history_id: Option<String>,
}

/// One record of history. Its untyped `messages` repeats the typed lists and is not read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    id: String,
    #[serde(default)]
    messages_added: Vec<Change>,
    #[serde(default)]
    messages_deleted: Vec<Change>,
    #[serde(default)]
    labels_added: Vec<Change>,
    #[serde(default)]
    labels_removed: Vec<Change>,
}

#[derive(Deserialize)]
struct Change {
    message: MessageId,
}

/// What a page of history comes to: each message once, and gone where any record says so, since a deletion is for ever.
fn changed(body: &Bytes, history: &[&RawValue]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::with_capacity(history.len());
    let mut places: HashMap<String, usize> = HashMap::with_capacity(history.len());
    for raw in history {
        let record: Record = parse(Method::History, raw.get().as_bytes())?;
        let version = version(Method::History, &record.id)?;
        let touched = [record.messages_added, record.labels_added, record.labels_removed];
        for Change { message: MessageId { id } } in touched.into_iter().flatten() {
            if !places.contains_key(&id) {
                places.insert(id.clone(), entries.len());
                entries.push(Entry::Id(id));
            }
        }
        for Change { message: MessageId { id } } in record.messages_deleted {
            let record = body.slice_ref(raw.get().as_bytes());
            let gone = Entry::Gone { source_id: id.clone(), version, record };
            match places.get(&id) {
                Some(&place) => entries[place] = gone,
                None => {
                    places.insert(id, entries.len());
                    entries.push(gone);
                }
            }
        }
    }
    Ok(entries)
}

/// The one element of a slice that has one.
fn only(ids: &[String]) -> Option<&String> {
    if let [id] = ids { Some(id) } else { None }
}

/// A history id as a version. Google's are unsigned, but stay far below 2^63.
fn version(method: Method, history_id: &str) -> Result<i64, Error> {
    let version = history_id.parse().ok().filter(|version| *version >= 0);
    version.ok_or_else(|| failure(Class::Permanent, method, "history id out of range"))
}

/// A history id as a cursor.
fn cursor(method: Method, history_id: String) -> Result<Cursor, Error> {
    version(method, &history_id)?;
    Ok(Cursor(history_id))
}
