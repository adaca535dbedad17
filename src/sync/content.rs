//! What is in a mail beyond its row: its HTML and its files, read from the sealed raw event when somebody asks.
//!
//! Neither is stored anywhere else. A file is fetched under a link that is good for a quarter of an hour: browsers download
//! without the person's token, so the link itself names the person and the file, sealed.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use url::Url;
use uuid::Uuid;

use super::{Refusal, Result, Vault};
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
    seal::Place,
};

/// Where files are fetched.
pub const PATH: &str = "/attachments/{link}";
/// How long a link to a file is good.
pub const LINK_LIFE: TimeDelta = TimeDelta::minutes(15);
/// The longest link looked at, in characters; ours have some 130.
const MAX_LINK: usize = 500;

/// The HTML of a mail, made harmless; `None` for a mail without HTML and for a meeting.
///
/// # Errors
/// [`Refusal::NotFound`] when the person has no such interaction any more; else the failure is ours.
pub async fn html(app: &App, user: UserId, interaction: InteractionId) -> Result<Option<Sanitized>> {
    let Some(mail) = raw_mail(app, user, interaction).await? else { return Ok(None) };
    // Megabytes of HTML take a second, which the runtime's threads are not for.
    let html = tokio::task::spawn_blocking(move || Ok::<_, anyhow::Error>(mail.read()?.html())).await??;
    Ok(html)
}

/// An address under which a part of a mail can be fetched until [`LINK_LIFE`] has passed. It is made without a look at the mail.
///
/// # Errors
/// When it cannot be sealed.
pub fn link(app: &App, user: UserId, interaction: InteractionId, part: u32) -> Result<Url> {
    let ends_at = (app.clock.now() + LINK_LIFE).timestamp();
    let mut plain = Vec::with_capacity(44);
    plain.extend_from_slice(user.0.as_bytes());
    plain.extend_from_slice(interaction.0.as_bytes());
    plain.extend_from_slice(&part.to_be_bytes());
    plain.extend_from_slice(&ends_at.to_be_bytes());
    let sealed = app.keyset.seal(&place(), &plain)?;
    let path = PATH.replace("{link}", &URL_SAFE_NO_PAD.encode(sealed));
    let root = app.config.http.public_url.as_str().trim_end_matches('/');
    Ok(Url::parse(&format!("{root}{path}")).map_err(anyhow::Error::from)?)
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

fn place() -> Place {
    Place::of("attachments", "link", &[])
}

/// What a link names, if it is ours and still good.
fn open(app: &App, link: &str) -> Option<(UserId, InteractionId, u32)> {
    let sealed = URL_SAFE_NO_PAD.decode(Some(link).filter(|link| link.len() <= MAX_LINK)?).ok()?;
    let plain = app.keyset.open(&place(), &sealed).ok()?;
    let (user, rest) = plain.split_first_chunk::<16>()?;
    let (interaction, rest) = rest.split_first_chunk::<16>()?;
    let (part, ends_at) = rest.split_first_chunk::<4>()?;
    let ends_at = i64::from_be_bytes(ends_at.try_into().ok()?);
    let is_good = app.clock.now().timestamp() < ends_at;
    is_good.then(|| {
        (UserId(Uuid::from_bytes(*user)), InteractionId(Uuid::from_bytes(*interaction)), u32::from_be_bytes(*part))
    })
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
