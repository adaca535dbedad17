//! Mutations: each hands its input to a verb and its outcome back.

mod jobs;
mod linking;
mod people;
mod runs;
mod settings;

use async_graphql::{Context, ID, Object, Result};

pub(super) use self::people::PeopleMutation;
use self::{
    jobs::{DiscardJobInput, DiscardJobPayload, RetryJobInput, RetryJobPayload},
    linking::{
        ConnectInput, ConnectPayload, DisconnectData, DisconnectInput, DisconnectPayload, FinishConnectInput,
        FinishConnectPayload,
    },
    runs::{
        ApproveInput, ApprovePayload, AuditCompletenessInput, AuditCompletenessPayload, CancelInput, CancelPayload,
        PauseInput, PausePayload, PreviewInput, PreviewPayload, RedoInput, RedoPayload, ResumeInput, ResumePayload,
        SyncNowInput, SyncNowPayload, UndoInput, UndoPayload,
    },
    settings::{SetDeletionPolicyPayload, UpdatePreferencesPayload},
};
use super::{
    error::{UserError, app, caller, payload},
    household::Household,
    id::{self, Kind},
    objects::{
        account::Account,
        batch::{Batch, Job},
        deletion::SetDeletionPolicyInput,
        preferences::UpdatePreferencesInput,
        preview::Preview,
    },
};
use crate::{
    app::App,
    db::{batches::Batch as BatchRow, jobs::Job as JobRow},
    domain::ids::{AccountId, BatchId, JobId, PreviewId},
    sync::{self, Caller, Refusal, approve, connect, control, deletions, disconnect, preview, redo, undo},
};

/// The name of the cookie that ties the way back from the provider to the browser that asked.
pub const CONNECT_COOKIE: &str = "omnisync-connect";

/// What is done about accounts, runs and preferences.
#[derive(Default)]
pub(super) struct Mutation;

fn connect_cookie(app: &App, secret: &str) -> String {
    let secure = app.config.http.public_url.scheme() == "https";
    let path = connect::CALLBACK_PATH;
    format!(
        "{CONNECT_COOKIE}={secret}; Path={path}; HttpOnly; SameSite=Lax; Max-Age=600{}",
        if secure { "; Secure" } else { "" }
    )
}

/// What came of doing something about one object.
type Done<T> = Result<(Option<T>, Vec<UserError>)>;

fn unknown<T>(what: &'static str) -> Done<T> {
    Ok((None, vec![Refusal::NotFound { what }.into()]))
}

async fn on_account(
    ctx: &Context<'_>,
    id: &ID,
    act: impl AsyncFnOnce(&App, &Caller, AccountId) -> sync::Result<BatchRow>,
) -> Done<Batch> {
    let Some(id) = id::decode_as(Kind::Account, id).map(AccountId) else { return unknown("account") };
    let (batch, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, id).await)?;
    Ok((batch.map(Batch::alone), user_errors))
}

async fn on_batch(
    ctx: &Context<'_>,
    id: &ID,
    act: impl AsyncFnOnce(&App, &Caller, BatchId) -> sync::Result<BatchRow>,
) -> Done<Batch> {
    let Some(id) = id::decode_as(Kind::Batch, id).map(BatchId) else { return unknown("batch") };
    let (batch, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, id).await)?;
    Ok((batch.map(Batch::alone), user_errors))
}

async fn on_job(
    ctx: &Context<'_>,
    id: &ID,
    act: impl AsyncFnOnce(&App, &Caller, JobId) -> sync::Result<JobRow>,
) -> Done<Job> {
    let Some(id) = id::decode_as(Kind::Job, id).map(JobId) else { return unknown("job") };
    let (job, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, id).await)?;
    Ok((job.map(Job), user_errors))
}

#[Object(name = "SyncMutation")]
impl Mutation {
    /// Begins to link an account: send the person to `authorizationUrl`.
    async fn connect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to connect.")] input: ConnectInput,
    ) -> Result<ConnectPayload> {
        let app = app(ctx)?;
        let services = match input.services {
            Some(services) => services.into_iter().map(Into::into).collect(),
            None => crate::domain::account::Service::ALL.to_vec(),
        };
        let ConnectInput { login_hint, return_to, hand_over, .. } = input;
        let request = connect::Request { services, login_hint, return_to, hand_over };
        let (started, user_errors) = payload(ctx, connect::start(app, &caller(ctx)?, &request).await)?;
        if let Some(secret) = started.as_ref().and_then(|started| started.browser_secret.as_deref()) {
            ctx.append_http_header("set-cookie", connect_cookie(app, secret));
        }
        Ok(ConnectPayload {
            authorization_url: started.as_ref().map(|started| started.authorization_url.to_string()),
            expires_at: started.map(|started| started.expires_at),
            user_errors,
        })
    }

    /// Finishes a link that was begun with `handOver`.
    async fn finish_connect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to finish with.")] input: FinishConnectInput,
    ) -> Result<FinishConnectPayload> {
        let finished = connect::finish(app(ctx)?, &caller(ctx)?, &input.connect_code).await;
        let (account, user_errors) = payload(ctx, finished)?;
        let account_id = account.map(|account| id::encode(Kind::Account, account.0));
        let account = match account {
            Some(account) => Household::default().account(ctx, account).await?,
            None => None,
        };
        Ok(FinishConnectPayload { account, account_id, user_errors })
    }

    /// Looks at what a sync would bring in, and stores nothing of it but the samples and senders shown, until the preview expires.
    async fn preview(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look at.")] input: PreviewInput,
    ) -> Result<PreviewPayload> {
        let request = preview::Request {
            account: id::decode_as(Kind::Account, &input.account_id).map(AccountId),
            services: input.services.map(|services| services.into_iter().map(Into::into).collect()),
            gmail_query: input.gmail_query,
            include_labels: input.include_labels.unwrap_or_default(),
            exclude_labels: input.exclude_labels.unwrap_or_default(),
            mail_days_back: input.mail_days_back,
            calendars: input.calendars,
            calendar_days_back: input.calendar_days_back,
            calendar_days_ahead: input.calendar_days_ahead,
            private_events: input.private_events,
            excluded_senders: input.excluded_senders,
            excluded_domains: input.excluded_domains,
            include_undone: input.include_undone,
        };
        let (made, user_errors) = payload(ctx, preview::make(app(ctx)?, &caller(ctx)?, &request).await)?;
        Ok(PreviewPayload { preview: made.map(Preview), user_errors })
    }

    /// Makes a preview binding and starts bringing in exactly what it covers.
    async fn approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to approve.")] input: ApproveInput,
    ) -> Result<ApprovePayload> {
        let Some(preview) = id::decode_as(Kind::Preview, &input.preview_id).map(PreviewId) else {
            return Ok(ApprovePayload { batch: None, user_errors: vec![Refusal::NotFound { what: "preview" }.into()] });
        };
        let request = approve::Request {
            preview,
            excluded_senders: input.excluded_senders,
            excluded_domains: input.excluded_domains,
            idempotency_key: input.idempotency_key,
        };
        let (batch, user_errors) = payload(ctx, approve::approve(app(ctx)?, &caller(ctx)?, &request).await)?;
        Ok(ApprovePayload { batch: batch.map(Batch::alone), user_errors })
    }

    /// Brings in what has changed since the last run, under the consent in force.
    async fn sync_now(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account to bring up to date.")] input: SyncNowInput,
    ) -> Result<SyncNowPayload> {
        let (batch, user_errors) = on_account(ctx, &input.account_id, approve::sync_now).await?;
        Ok(SyncNowPayload { batch, user_errors })
    }

    /// Lists everything inside the consent anew and compares it with `items`: fetches what they lacked and what failed before, and asks
    /// after what the listing does not name. `Stream.coverage` then says what it came to. To list 500 mails costs 5 Gmail units.
    async fn audit_completeness(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account to check.")] input: AuditCompletenessInput,
    ) -> Result<AuditCompletenessPayload> {
        let (batch, user_errors) = on_account(ctx, &input.account_id, approve::audit_completeness).await?;
        Ok(AuditCompletenessPayload { batch, user_errors })
    }

    /// Takes a batch back, also while it runs: stops it, removes what it brought, restores what it had replaced, and keeps
    /// what another batch also brought. Asking twice is the same as asking once. Until `Batch.redoUntil`, `redo` brings it back.
    async fn undo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to take back.")] input: UndoInput,
    ) -> Result<UndoPayload> {
        let Some(batch) = id::decode_as(Kind::Batch, &input.batch_id).map(BatchId) else {
            let user_errors = vec![Refusal::NotFound { what: "batch" }.into()];
            return Ok(UndoPayload { batch: None, counts: Vec::new(), user_errors });
        };
        let (app, caller) = (app(ctx)?, caller(ctx)?);
        let (forecast, user_errors) = payload(ctx, undo::forecast(app, &caller, batch).await)?;
        let Some((row, counts)) = forecast else {
            return Ok(UndoPayload { batch: None, counts: Vec::new(), user_errors });
        };
        let counts = counts.iter().map(Into::into).collect();
        if input.dry_run {
            return Ok(UndoPayload { batch: Some(Batch::alone(row)), counts, user_errors });
        }
        let (started, user_errors) = payload(ctx, undo::start(app, &caller, batch).await)?;
        Ok(UndoPayload { batch: started.map(Batch::alone), counts, user_errors })
    }

    /// Brings back what an undo took, as long as it is kept, and asks nothing of the provider for it. The consent that the undo
    /// withdrew is in force again; the next `syncNow` brings in what has happened since.
    async fn redo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to bring back.")] input: RedoInput,
    ) -> Result<RedoPayload> {
        let (batch, user_errors) = on_batch(ctx, &input.batch_id, redo::start).await?;
        Ok(RedoPayload { batch, user_errors })
    }

    /// Forgets how an account is reached: stops its run and deletes its tokens. What it brought in stays or goes, as you say.
    async fn disconnect(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to disconnect.")] input: DisconnectInput,
    ) -> Result<DisconnectPayload> {
        let refused =
            |user_errors| DisconnectPayload { account: None, undoing: 0, revoked_at_provider: None, user_errors };
        let Some(account) = id::decode_as(Kind::Account, &input.account_id).map(AccountId) else {
            return Ok(refused(vec![Refusal::NotFound { what: "account" }.into()]));
        };
        let erase = input.data == DisconnectData::Erase;
        let request = disconnect::Request { account, erase, revoke: input.revoke };
        let (parted, user_errors) = payload(ctx, disconnect::disconnect(app(ctx)?, &caller(ctx)?, request).await)?;
        let Some(parted) = parted else { return Ok(refused(user_errors)) };
        Ok(DisconnectPayload {
            account: Some(Account::alone(parted.account)),
            undoing: i32::try_from(parted.n_undoing).unwrap_or(i32::MAX),
            revoked_at_provider: parted.revoked,
            user_errors,
        })
    }

    /// Holds a run where it is: nothing is fetched until it is resumed. What was stored still comes onto the timeline.
    async fn pause(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to hold.")] input: PauseInput,
    ) -> Result<PausePayload> {
        let (batch, user_errors) = on_batch(ctx, &input.batch_id, control::pause).await?;
        Ok(PausePayload { batch, user_errors })
    }

    /// Lets a run that is held go on from where it stood.
    async fn resume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to let go on.")] input: ResumeInput,
    ) -> Result<ResumePayload> {
        let (batch, user_errors) = on_batch(ctx, &input.batch_id, control::resume).await?;
        Ok(ResumePayload { batch, user_errors })
    }

    /// Stops a run for good. What was stored stays, comes onto the timeline, and can be undone; the batch is `CANCELLED` once
    /// that is done. The consent stays in force: a later `syncNow` brings in the rest. To withdraw it, undo the batch.
    async fn cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to stop.")] input: CancelInput,
    ) -> Result<CancelPayload> {
        let (batch, user_errors) = on_batch(ctx, &input.batch_id, control::cancel).await?;
        Ok(CancelPayload { batch, user_errors })
    }

    /// Tries a job again that was given up; its batch runs again with it.
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to try again.")] input: RetryJobInput,
    ) -> Result<RetryJobPayload> {
        let (job, user_errors) = on_job(ctx, &input.job_id, control::retry).await?;
        Ok(RetryJobPayload { job, user_errors })
    }

    /// Puts a job aside that was given up, so that it is no longer among the dead. Its batch stays as it ended.
    async fn discard_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to put aside.")] input: DiscardJobInput,
    ) -> Result<DiscardJobPayload> {
        let (job, user_errors) = on_job(ctx, &input.job_id, control::discard).await?;
        Ok(DiscardJobPayload { job, user_errors })
    }

    /// Changes what deletions at the provider mean for an account from now on. What was deleted before stays as the policy of
    /// that time decided.
    async fn set_deletion_policy(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What deletions shall mean.")] input: SetDeletionPolicyInput,
    ) -> Result<SetDeletionPolicyPayload> {
        let Some(account) = id::decode_as(Kind::Account, &input.account_id).map(AccountId) else {
            let user_errors = vec![Refusal::NotFound { what: "account" }.into()];
            return Ok(SetDeletionPolicyPayload { account: None, user_errors });
        };
        let request = deletions::Request { account, kind: input.kind.into(), days: input.days };
        let (changed, user_errors) = payload(ctx, deletions::set(app(ctx)?, &caller(ctx)?, request).await)?;
        Ok(SetDeletionPolicyPayload { account: changed.map(Account::alone), user_errors })
    }

    /// Changes what the next preview starts from, and who is a contact. A running batch is not affected.
    async fn update_preferences(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to change; what is left out stays.")] input: UpdatePreferencesInput,
    ) -> Result<UpdatePreferencesPayload> {
        let (app, caller) = (app(ctx)?, caller(ctx)?);
        let saved = async {
            let now = sync::preferences::load(app, &caller).await?;
            sync::preferences::save(app, &caller, input.over(now)).await
        };
        let (saved, user_errors) = payload(ctx, saved.await)?;
        Ok(UpdatePreferencesPayload { preferences: saved.map(Into::into), user_errors })
    }
}
