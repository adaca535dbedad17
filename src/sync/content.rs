//! What is in a mail beyond its row: its HTML and its files, read from the sealed raw event when somebody asks; and the raw
//! events themselves.
//!
//! Nothing of it is stored anywhere else. A file is fetched under a link that is good for a quarter of an hour: browsers
//! download without the person's token, so the link itself names the person and the file, sealed.

use url::Url;
use uuid::Uuid;

use super::{Error, Refusal, Result, Vault, images, links};
use crate::{
    app::App,
    db::{
        Tx,
        accounts::Account,
        interactions::Interaction,
        raw_events::{self, RawEvent},
    },
    domain::{
        ids::{InteractionId, UserId},
        item::RawKind,
        normalize::{File, InteractionKind, Sanitized, mail::ParsedMail},
    },
};

/// Where files are fetched.
pub const PATH: &str = "/attachments/{link}";
/// Where raw events are fetched.
pub const RAW_PATH: &str = "/raw/{link}";
/// What the links are for.
const KIND: &str = "attachments";
const RAW_KIND: &str = "raw";

/// Images that a mail would load from elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemoteImages {
    /// They are gone.
    Blocked,
    /// They come through us, where the operator has allowed that.
    Proxied,
}

/// The HTML of a mail, made harmless; `None` for a mail without HTML and for a meeting.
///
/// # Errors
/// [`Refusal::NotFound`] when the person has no such interaction any more; else the failure is ours.
pub async fn html(
    app: &App,
    user: UserId,
    interaction: InteractionId,
    images: RemoteImages,
) -> Result<Option<Sanitized>> {
    let Some(mail) = raw_mail(app, user, interaction).await? else { return Ok(None) };
    let proxy = app.clone();
    let is_proxied = images == RemoteImages::Proxied && app.images.is_some();
    let link = move |source: &str| {
        // A link that cannot be made leaves its image out.
        let link = if is_proxied { images::link(&proxy, source).ok()? } else { None };
        link.map(String::from)
    };
    // Megabytes of HTML take a second, which the runtime's threads are not for.
    let html = tokio::task::spawn_blocking(move || Ok::<_, Error>(mail.mail()?.html(&link))).await??;
    Ok(html)
}

/// An address under which a part of a mail can be fetched until [`links::LIFE`] has passed. It is made without a look at the mail.
///
/// # Errors
/// When it cannot be sealed.
pub fn link(app: &App, user: UserId, interaction: InteractionId, part: u32) -> Result<Url> {
    let what = [user.0.as_bytes().as_slice(), interaction.0.as_bytes(), &part.to_be_bytes()].concat();
    links::seal(app, PATH, KIND, &what)
}

/// The file behind a link.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that is not ours, that has ended, or whose file is gone: which, it does not tell.
pub async fn file(app: &App, link: &str) -> Result<File> {
    let gone = Refusal::NotFound { what: "file" };
    let Some((user, interaction, part)) = open(app, link) else { return Err(gone.into()) };
    let Some(mail) = raw_mail(app, user, interaction).await? else { return Err(gone.into()) };
    let file = tokio::task::spawn_blocking(move || Ok::<_, Error>(mail.mail()?.file(part))).await??;
    Ok(file.ok_or(gone)?)
}

/// An address under which [`raw`] can be fetched until [`links::LIFE`] has passed.
///
/// # Errors
/// When it cannot be sealed.
pub fn raw_link(app: &App, user: UserId, interaction: InteractionId) -> Result<Url> {
    links::seal(app, RAW_PATH, RAW_KIND, &[user.0.as_bytes().as_slice(), interaction.0.as_bytes()].concat())
}

/// What the provider sent of an interaction, as it came, in one JSON array: a mail, or a meeting with the exceptions of its
/// series.
///
/// # Errors
/// [`Refusal::NotFound`] for a link that is not ours, that has ended, or whose interaction is gone: which, it does not tell.
pub async fn raw(app: &App, link: &str) -> Result<Vec<u8>> {
    let what = links::open(app, RAW_KIND, link).ok_or_else(gone)?;
    let named = what.split_first_chunk::<16>().and_then(|(user, rest)| Some((user, rest.first_chunk::<16>()?)));
    let (user, interaction) = named.ok_or_else(gone)?;
    let mut tx = app.db.begin(UserId(Uuid::from_bytes(*user))).await?;
    let interaction = InteractionId(Uuid::from_bytes(*interaction));
    let interaction = Interaction::find(&mut tx, interaction).await?.ok_or_else(gone)?;
    let found = Sealed::of(app, &mut tx, interaction).await?;
    tx.commit().await?;
    tokio::task::spawn_blocking(move || found.together()).await?
}

/// What a link names, if it is ours and still good.
fn open(app: &App, link: &str) -> Option<(UserId, InteractionId, u32)> {
    let what = links::open(app, KIND, link)?;
    let (user, rest) = what.split_first_chunk::<16>()?;
    let (interaction, part) = rest.split_first_chunk::<16>()?;
    let part = u32::from_be_bytes(part.try_into().ok()?);
    Some((UserId(Uuid::from_bytes(*user)), InteractionId(Uuid::from_bytes(*interaction)), part))
}

/// An interaction and the newest raw events that it is made of, still sealed, with what opens them.
struct Sealed {
    vault: Vault,
    interaction: Interaction,
    raws: Vec<RawEvent>,
}

impl Sealed {
    async fn of(app: &App, tx: &mut Tx, interaction: Interaction) -> Result<Self> {
        let account = Account::find(tx, interaction.account_id).await?.ok_or_else(gone)?;
        let groups = [interaction.group_key.clone()];
        let mut raws = raw_events::newest(tx, account.provider, interaction.stream_id, &groups).await?;
        raws.retain(|raw| raw.kind == RawKind::Item);
        // The group's own item first: a mail, a meeting, the master of a series.
        raws.sort_by_cached_key(|raw| (raw.source_id != interaction.group_key, raw.source_id.clone()));
        Ok(Self { vault: Vault::open(app, tx).await?, interaction, raws })
    }

    fn payload(&self, raw: &RawEvent) -> Result<Vec<u8>> {
        self.vault.open_raw(self.interaction.stream_id, &raw.source_id, raw.version, &raw.payload)
    }

    /// The mail that it is.
    fn mail(&self) -> Result<ParsedMail> {
        let own = self.raws.first().ok_or_else(gone)?;
        Ok(ParsedMail::read(&self.payload(own)?).map_err(anyhow::Error::from)?)
    }

    /// All of them, in one JSON array.
    fn together(&self) -> Result<Vec<u8>> {
        let mut all = vec![b'['];
        for raw in &self.raws {
            if all.len() > 1 {
                all.push(b',');
            }
            all.append(&mut self.payload(raw)?);
        }
        all.push(b']');
        Ok(all)
    }
}

/// What a mail came as; `None` for a meeting.
async fn raw_mail(app: &App, user: UserId, interaction: InteractionId) -> Result<Option<Sealed>> {
    let mut tx = app.db.begin(user).await?;
    let interaction = Interaction::find(&mut tx, interaction).await?.ok_or_else(gone)?;
    let found = match interaction.kind {
        InteractionKind::Email => Some(Sealed::of(app, &mut tx, interaction).await?),
        InteractionKind::Meeting => None,
    };
    tx.commit().await?;
    Ok(found)
}

fn gone() -> Refusal {
    Refusal::NotFound { what: "interaction" }
}
