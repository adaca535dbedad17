//! What is in a mail beyond its row: its HTML and its files, read from the sealed raw event when somebody asks.
//!
//! Neither is stored anywhere else. A file is fetched under a link that is good for a quarter of an hour: browsers download
//! without the person's token, so the link itself names the person and the file, sealed.

use url::Url;
use uuid::Uuid;

use super::{Refusal, Result, Vault, images, links};
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
/// What the links are for.
const KIND: &str = "attachments";

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
    let html = tokio::task::spawn_blocking(move || Ok::<_, anyhow::Error>(mail.read()?.html(&link))).await??;
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
    let file = tokio::task::spawn_blocking(move || Ok::<_, anyhow::Error>(mail.read()?.file(part))).await??;
    Ok(file.ok_or(gone)?)
}

/// What a link names, if it is ours and still good.
fn open(app: &App, link: &str) -> Option<(UserId, InteractionId, u32)> {
    let what = links::open(app, KIND, link)?;
    let (user, rest) = what.split_first_chunk::<16>()?;
    let (interaction, part) = rest.split_first_chunk::<16>()?;
    let part = u32::from_be_bytes(part.try_into().ok()?);
    Some((UserId(Uuid::from_bytes(*user)), InteractionId(Uuid::from_bytes(*interaction)), part))
}

/// A raw mail, still sealed, with what opens it.
struct SealedMail {
    vault: Vault,
    interaction: Interaction,
    raw: RawEvent,
}

impl SealedMail {
    fn read(self) -> anyhow::Result<ParsedMail> {
        let (stream, raw) = (self.interaction.stream_id, self.raw);
        let json = self.vault.open_raw(stream, &raw.source_id, raw.version, &raw.payload)?;
        Ok(ParsedMail::read(&json)?)
    }
}

/// The newest raw event of a mail; `None` for a meeting.
async fn raw_mail(app: &App, user: UserId, interaction: InteractionId) -> Result<Option<SealedMail>> {
    let mut tx = app.db.begin(user).await?;
    let found = find(app, &mut tx, interaction).await?;
    tx.commit().await?;
    Ok(found)
}

async fn find(app: &App, tx: &mut Tx, id: InteractionId) -> Result<Option<SealedMail>> {
    let gone = || Refusal::NotFound { what: "interaction" };
    let interaction = Interaction::find(tx, id).await?.ok_or_else(gone)?;
    if interaction.kind != InteractionKind::Email {
        return Ok(None);
    }
    let account = Account::find(tx, interaction.account_id).await?.ok_or_else(gone)?;
    let groups = [interaction.group_key.clone()];
    let raws = raw_events::newest(tx, account.provider, interaction.stream_id, &groups).await?;
    let raw = raws
        .into_iter()
        .find(|raw| raw.source_id == interaction.group_key && raw.kind == RawKind::Item)
        .ok_or_else(gone)?;
    Ok(Some(SealedMail { vault: Vault::open(app, tx).await?, interaction, raw }))
}
