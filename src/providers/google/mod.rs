//! Google: OAuth, Gmail and Calendar behind [`Provider`].
//!
//! This room knows Google's addresses, envelopes and reason words, and nothing of why something is fetched. It keeps no
//! state but its connections and Google's public keys.

mod calendar;
mod client;
mod error;
mod gmail;
mod identity;
mod oauth;
#[cfg(test)]
mod tests;

use futures::{Stream, StreamExt};
use secrecy::SecretString;
use url::Url;

use self::{calendar::Calendar, client::Client, gmail::Gmail, oauth::OAuth};
use super::{Authorization, Error, Grant, GrantTokens, Hydrated, Listing, Page, Provider};
use crate::clock::Clock;
use crate::config;
use crate::domain::{
    account::Service,
    consent::Label,
    stream::{Collection, Cursor},
};

/// Google's services, as one [`Provider`].
pub struct Google {
    oauth: OAuth,
    gmail: Gmail,
    calendar: Calendar,
}

impl Google {
    /// Prepares the connections; makes no call.
    ///
    /// # Errors
    /// [`super::Class::Misconfigured`] when TLS cannot be set up.
    pub fn new(config: &config::Google, clock: Clock) -> Result<Self, Error> {
        let client = Client::new(config, clock.clone())?;
        Ok(Self {
            oauth: OAuth::new(config, client.clone(), clock.clone()),
            gmail: Gmail::new(config.gmail_url.clone(), client.clone()),
            calendar: Calendar::new(config.calendar_url.clone(), client, clock),
        })
    }
}

impl Provider for Google {
    fn authorization_url(&self, request: &Authorization<'_>) -> Url {
        self.oauth.authorization_url(request)
    }

    async fn exchange(&self, code: &str, verifier: &str, nonce: &str, redirect_uri: &str) -> Result<Grant, Error> {
        self.oauth.exchange(code, verifier, nonce, redirect_uri).await
    }

    async fn refresh(&self, refresh: &SecretString) -> Result<GrantTokens, Error> {
        self.oauth.refresh(refresh).await
    }

    async fn revoke(&self, token: &SecretString) -> Result<(), Error> {
        self.oauth.revoke(token).await
    }

    async fn ping(&self, access: &SecretString, service: Service) -> Result<(), Error> {
        match service {
            Service::Gmail => self.gmail.baseline(access).await.map(|_| ()),
            Service::Calendar => self.calendar.ping(access).await,
        }
    }

    async fn collections(&self, access: &SecretString, service: Service) -> Result<Vec<Collection>, Error> {
        match service {
            Service::Gmail => Ok(vec![Collection::mailbox()]),
            Service::Calendar => self.calendar.collections(access).await,
        }
    }

    async fn addresses(&self, access: &SecretString) -> Result<Vec<String>, Error> {
        self.gmail.addresses(access).await
    }

    async fn labels(&self, access: &SecretString) -> Result<Vec<Label>, Error> {
        self.gmail.labels(access).await
    }

    async fn baseline(&self, access: &SecretString, service: Service) -> Result<Option<Cursor>, Error> {
        match service {
            Service::Gmail => self.gmail.baseline(access).await.map(Some),
            Service::Calendar => Ok(None),
        }
    }

    async fn list(&self, access: &SecretString, listing: Listing<'_>, page: Option<&str>) -> Result<Page, Error> {
        match listing {
            Listing::Mail(scope) => self.gmail.list(access, scope, page).await,
            Listing::Calendar(scope, calendar) => self.calendar.list(access, scope, calendar, page).await,
        }
    }

    async fn changes(
        &self,
        access: &SecretString,
        collection: &Collection,
        cursor: &Cursor,
        page: Option<&str>,
    ) -> Result<Page, Error> {
        match collection.service {
            Service::Gmail => self.gmail.changes(access, cursor, page).await,
            Service::Calendar => self.calendar.changes(access, collection, cursor, page).await,
        }
    }

    fn hydrate<'a>(
        &'a self,
        access: &'a SecretString,
        collection: &'a Collection,
        ids: impl Stream<Item = String> + Send + 'a,
        in_flight: usize,
    ) -> impl Stream<Item = Hydrated> + Send + 'a {
        let fetch = move |id: String| async move {
            let item = match collection.service {
                Service::Gmail => self.gmail.message(access, &id).await,
                Service::Calendar => self.calendar.event(access, collection, &id).await,
            };
            (id, item)
        };
        ids.map(fetch).buffer_unordered(in_flight.max(1))
    }

    fn outline<'a>(
        &'a self,
        access: &'a SecretString,
        collection: &'a Collection,
        ids: impl Stream<Item = String> + Send + 'a,
        in_flight: usize,
    ) -> impl Stream<Item = Hydrated> + Send + 'a {
        let fetch = move |id: String| async move {
            let item = match collection.service {
                Service::Gmail => self.gmail.outline(access, &id).await,
                // An event is short.
                Service::Calendar => self.calendar.event(access, collection, &id).await,
            };
            (id, item)
        };
        ids.map(fetch).buffer_unordered(in_flight.max(1))
    }
}

/// Whether Google's public keys can be read: the cheapest call that shows network, TLS and addresses to be right.
///
/// # Errors
/// When they cannot.
pub async fn reach(config: &config::Google) -> Result<(), Error> {
    let client = Client::new(config, Clock::default())?;
    client.get_public(error::Method::Keys, config.jwks_url.clone()).await.map(|_| ())
}
