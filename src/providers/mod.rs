//! A provider's wire, behind one trait; and the wire of those whose images a mail refers to.
//!
//! This room knows requests, replies and error envelopes. It knows neither the database nor Redis, keeps no state but its
//! HTTP client, retries nothing by itself except one transport hiccup, and never logs a token, an address or a body.

pub mod google;
pub mod images;

use std::{future::Future, time::Duration};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::Stream;
use secrecy::SecretString;
use url::Url;

use crate::domain::{
    account::Service,
    consent::{CalendarScope, Label, MailScope},
    job::THROTTLED,
    stream::{Collection, Cursor},
};

/// What `connect` sends the person to the provider with.
#[derive(Clone, Debug)]
pub struct Authorization<'a> {
    /// Where the provider sends the person back to.
    pub redirect_uri: &'a str,
    /// One-time value that ties the answer to the question.
    pub state: &'a str,
    /// One-time value the identity token must carry.
    pub nonce: &'a str,
    /// Base64url SHA-256 of the PKCE verifier (RFC 7636, S256).
    pub code_challenge: &'a str,
    /// The services to ask for.
    pub services: &'a [Service],
    /// The address to suggest to the provider's account chooser.
    pub login_hint: Option<&'a str>,
    /// Whether to ask for consent even where it was given, which is how a lost refresh token is replaced.
    pub force_consent: bool,
}

/// Access to one account. Never printed.
#[derive(Clone, Debug)]
pub struct GrantTokens {
    /// Opens the provider's API.
    pub access: SecretString,
    /// Gets the next access token; `None` when the provider keeps the old one in force.
    pub refresh: Option<SecretString>,
    /// How long the access token lives, from now.
    pub expires_in: Duration,
    /// The scopes the person granted; none where the reply does not say, which means those asked for.
    pub scopes: Vec<String>,
}

/// What a completed authorization gives.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The account's permanent id at the provider (`sub`).
    pub subject: String,
    /// The account's address, for people to recognise it; it may change.
    pub email: String,
    /// Its tokens.
    pub tokens: GrantTokens,
}

/// Which items of a collection to list.
#[derive(Clone, Copy, Debug)]
pub enum Listing<'a> {
    /// Mail inside the scope.
    Mail(&'a MailScope),
    /// Events of one calendar inside the scope's window.
    Calendar(&'a CalendarScope, &'a Collection),
}

/// One page of a listing or of changes.
#[derive(Debug)]
pub struct Page {
    /// The page's entries, in the provider's order.
    pub entries: Vec<Entry>,
    /// What comes after it.
    pub next: Next,
    /// The provider's estimate of how many there are in all, where it gives one.
    pub estimate: Option<u64>,
}

/// What comes after a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another page; opaque.
    Page(String),
    /// The end, with the cursor to continue from where the provider gives it here.
    End(Option<Cursor>),
}

/// One item that a page names.
#[derive(Clone, Debug)]
pub enum Entry {
    /// The item exists or has changed; its payload must be fetched.
    Id(String),
    /// The item as it stands now.
    Payload(Payload),
    /// The item is gone at the provider.
    Gone {
        /// The item's id.
        source_id: String,
        /// A number that rises with the item's versions.
        version: i64,
        /// The record that says so, as received.
        record: Bytes,
    },
}

/// One item exactly as the provider sent it.
#[derive(Clone, Debug)]
pub struct Payload {
    /// The item's id within its collection.
    pub source_id: String,
    /// A number that rises with the item's versions: Gmail `historyId`, Calendar `updated` in milliseconds.
    pub version: i64,
    /// The id of the group that is normalized together: a mail's own id, or the id of an event's master (its own if single).
    pub group: String,
    /// The JSON, byte for byte.
    pub json: Bytes,
}

/// What hydration of one id came to.
pub type Hydrated = (String, Result<Payload, Error>);

/// What every provider can do.
pub trait Provider: Send + Sync {
    /// The address to send the person to.
    fn authorization_url(&self, request: &Authorization<'_>) -> Url;

    /// Trades an authorization code for tokens, and checks the identity token's signature, issuer, audience, expiry and nonce.
    fn exchange(
        &self,
        code: &str,
        verifier: &str,
        nonce: &str,
        redirect_uri: &str,
    ) -> impl Future<Output = Result<Grant, Error>> + Send;

    /// Trades a refresh token for a fresh access token.
    fn refresh(&self, refresh: &SecretString) -> impl Future<Output = Result<GrantTokens, Error>> + Send;

    /// Takes a grant back. Also succeeds when the provider no longer knows the token.
    fn revoke(&self, token: &SecretString) -> impl Future<Output = Result<(), Error>> + Send;

    /// The cheapest call a service has, to see whether it answers.
    fn ping(&self, access: &SecretString, service: Service) -> impl Future<Output = Result<(), Error>> + Send;

    /// The collections of a service: the mailbox, or every calendar.
    fn collections(
        &self,
        access: &SecretString,
        service: Service,
    ) -> impl Future<Output = Result<Vec<Collection>, Error>> + Send;

    /// The addresses of the account's mailbox that are the person's own, the one it is known by included: lower case, sorted,
    /// each once.
    fn addresses(&self, access: &SecretString) -> impl Future<Output = Result<Vec<String>, Error>> + Send;

    /// The account's labels.
    fn labels(&self, access: &SecretString) -> impl Future<Output = Result<Vec<Label>, Error>> + Send;

    /// The cursor to take before a first listing, where the service has such a thing (Gmail has, Calendar has not).
    fn baseline(
        &self,
        access: &SecretString,
        service: Service,
    ) -> impl Future<Output = Result<Option<Cursor>, Error>> + Send;

    /// One page of what is there. `page` is what the page before gave.
    fn list(
        &self,
        access: &SecretString,
        listing: Listing<'_>,
        page: Option<&str>,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// One page of what has changed since the cursor. [`Class::CursorDead`] means: list anew.
    fn changes(
        &self,
        access: &SecretString,
        collection: &Collection,
        cursor: &Cursor,
        page: Option<&str>,
    ) -> impl Future<Output = Result<Page, Error>> + Send;

    /// Fetches items of a collection as their ids come, at most `in_flight` at once, and yields each when it is there, in no
    /// particular order.
    fn hydrate<'a>(
        &'a self,
        access: &'a SecretString,
        collection: &'a Collection,
        ids: impl Stream<Item = String> + Send + 'a,
        in_flight: usize,
    ) -> impl Stream<Item = Hydrated> + Send + 'a;

    /// As [`Provider::hydrate`], at the same price, without what is long in an item: all that a filter may look at, however
    /// large the item is. It is for looking, not for keeping.
    fn outline<'a>(
        &'a self,
        access: &'a SecretString,
        collection: &'a Collection,
        ids: impl Stream<Item = String> + Send + 'a,
        in_flight: usize,
    ) -> impl Stream<Item = Hydrated> + Send + 'a;
}

/// What a provider's refusal means for us. Decided by status and reason, never by a message alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Class {
    /// Stay away until then; when the provider names no time, the caller backs off.
    Throttled(Option<DateTime<Utc>>),
    /// The access token is not accepted: refresh once, then try again.
    Unauthorized,
    /// The grant is dead (`invalid_grant`); the person must link the account again.
    NeedsReauth,
    /// A scope is missing.
    NeedsScope,
    /// The cursor is too old: list anew and compare.
    CursorDead,
    /// The item is no longer there: an outcome, not a failure.
    ItemGone,
    /// The account cannot use this service, or an administrator forbids it.
    Blocked,
    /// Our client or project is set up wrongly; for the operator.
    Misconfigured,
    /// May pass by itself: 5xx, a timeout, a cut body.
    Transient,
    /// Will not pass by itself.
    Permanent,
}

impl Class {
    /// The class as one word for rows and logs.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Throttled(_) => THROTTLED,
            Self::Unauthorized => "unauthorized",
            Self::NeedsReauth => "needs_reauth",
            Self::NeedsScope => "needs_scope",
            Self::CursorDead => "cursor_dead",
            Self::ItemGone => "item_gone",
            Self::Blocked => "blocked",
            Self::Misconfigured => "misconfigured",
            Self::Transient => "transient",
            Self::Permanent => "permanent",
        }
    }
}

/// A provider's refusal, or a failure on the way to it.
///
/// `detail` holds the call's name, the status and the provider's reason word, never an address, a token or content.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Error {
    /// What it means for us.
    pub class: Class,
    /// The call, the status and the reason, for the log and the job's row.
    pub detail: String,
}
