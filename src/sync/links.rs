//! Addresses that a browser may fetch without the person's token: what they mean is sealed in them, and they end.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use url::Url;

use super::Result;
use crate::{app::App, seal::Place};

/// How long a link is good.
pub const LIFE: TimeDelta = TimeDelta::minutes(15);
/// The longest link looked at, in characters.
const MAX_LINK: usize = 4_096;

/// An address at `path`, in which `{link}` stands for what is meant: `what`, of this kind, until [`LIFE`] has passed.
///
/// # Errors
/// When it cannot be sealed.
pub(super) fn seal(app: &App, path: &str, kind: &'static str, what: &[u8]) -> Result<Url> {
    let ends_at = (app.clock.now() + LIFE).timestamp();
    let plain = [&ends_at.to_be_bytes(), what].concat();
    let sealed = app.keyset.seal(&place(kind), &plain)?;
    let path = path.replace("{link}", &URL_SAFE_NO_PAD.encode(sealed));
    let root = app.config.http.public_url.as_str().trim_end_matches('/');
    Ok(Url::parse(&format!("{root}{path}")).map_err(anyhow::Error::from)?)
}

/// What a link of this kind means, if it is ours and still good.
pub(super) fn open(app: &App, kind: &'static str, link: &str) -> Option<Vec<u8>> {
    let sealed = URL_SAFE_NO_PAD.decode(Some(link).filter(|link| link.len() <= MAX_LINK)?).ok()?;
    let plain = app.keyset.open(&place(kind), &sealed).ok()?;
    let (ends_at, what) = plain.split_first_chunk::<8>()?;
    (app.clock.now().timestamp() < i64::from_be_bytes(*ends_at)).then(|| what.to_vec())
}

fn place(kind: &'static str) -> Place {
    Place::of(kind, "link", &[])
}
