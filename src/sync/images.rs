//! The images that a mail would have loaded from elsewhere, brought by us, so that their servers do not learn who reads.
//!
//! Only where the operator has turned it on ([`crate::config::Images`]). That a mail is read they learn even so, as soon as one of
//! its images is asked for; so nothing is fetched unless the person asks.

use url::Url;

use super::{Refusal, Result, links};
use crate::app::App;
pub use crate::providers::images::Image;

/// Where images are fetched.
pub const PATH: &str = "/images/{link}";
/// The longest address of an image that is proxied, in bytes.
const MAX_ADDRESS: usize = 2_000;
/// What the links are for.
const KIND: &str = "images";

/// The address to fetch an image by instead of its own; `None` for one that is no address on the web.
///
/// # Errors
/// When it cannot be sealed.
pub(super) fn link(app: &App, source: &str) -> Result<Option<Url>> {
    if source.len() > MAX_ADDRESS {
        return Ok(None);
    }
    // A mail has no scheme of its own that an address could leave out.
    let source = if source.starts_with("//") { format!("https:{source}") } else { source.to_owned() };
    let Ok(source) = Url::parse(&source) else { return Ok(None) };
    links::seal(app, PATH, KIND, source.as_str().as_bytes()).map(Some)
}

/// The image behind a link.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that is not ours or has ended, and for an image that cannot be had.
pub async fn fetch(app: &App, link: &str) -> Result<Image> {
    let gone = Refusal::NotFound { what: "image" };
    let Some(images) = &app.images else { return Err(gone.into()) };
    let Some(url) = links::open(app, KIND, link).and_then(|plain| Url::parse(&String::from_utf8(plain).ok()?).ok())
    else {
        return Err(gone.into());
    };
    images.fetch(url).await.map_err(|reason| {
        // Not the address, which is the mail's.
        tracing::debug!(%reason, "an image of a mail could not be had");
        gone.into()
    })
}
