//! Mutations: each hands its input to a verb and its outcome back.

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};

use super::{
    error::{UserError, app, caller, payload},
    id::{self, Kind},
    objects::{
        account::Account,
        batch::{Batch, Job, UndoCount},
        deletion::SetDeletionPolicyInput,
        preferences::{Preferences, UpdatePreferencesInput},
        preview::Preview,
        words::Service,
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

/// What to connect.
#[derive(InputObject)]
pub(super) struct ConnectInput {
    /// The services to ask for; all when left out. The person may still leave one out at the provider.
    services: Option<Vec<Service>>,
    /// The address to suggest to the provider's account chooser, at most 320 characters.
    login_hint: Option<String>,
    /// Where the browser goes afterwards: a path on this server, or an address on an allowed origin. It comes back with
    /// `connected=<account id>` or `connectError=<code>` in the query.
    return_to: Option<String>,
    /// For an application that cannot share cookies with this server, on another site or on a phone: the browser comes back
    /// with `connectCode=<code>` instead of `connected`, and the application gives that to `finishConnect`.
    #[graphql(default)]
    hand_over: bool,
}

/// What to finish with.
#[derive(InputObject)]
pub(super) struct FinishConnectInput {
    /// The code the browser came back with, at most ten minutes after `connect`. It works once, and only for the person who
    /// began.
    connect_code: String,
}

/// What was linked.
#[derive(SimpleObject)]
pub(super) struct FinishConnectPayload {
    /// The account's id; `null` when nothing was linked.
    account_id: Option<ID>,
    /// Why nothing was linked; empty when it was.
    user_errors: Vec<UserError>,
}

/// Where to send the person.
#[derive(SimpleObject)]
pub(super) struct ConnectPayload {
    /// Open this in the browser that sent the request: it was given a cookie, and only with it the way back works. With
    /// `handOver`, open it in any browser. `null` when nothing was begun.
    authorization_url: Option<String>,
    /// After this the address is of no use; `null` when nothing was begun.
    expires_at: Option<DateTime<Utc>>,
    /// Why nothing was begun; empty when it was.
    user_errors: Vec<UserError>,
}

/// What to look at. What is left out is taken from the preferences.
#[derive(InputObject)]
pub(super) struct PreviewInput {
    /// The account to look at.
    account_id: ID,
    /// The services to look at; every granted one when left out.
    services: Option<Vec<Service>>,
    /// A mail query in the part of Gmail's grammar that can be evaluated here as well: `from:` `to:` `cc:` `subject:` `label:`
    /// `in:` `is:` `has:attachment` `category:` `after:` `before:` `older_than:` `newer_than:` `larger:` `smaller:`, `-`, `OR`,
    /// `{}` and `()`. At most 2,000 bytes.
    gmail_query: Option<String>,
    /// Only mail with one of these label ids.
    include_labels: Option<Vec<String>>,
    /// No mail with one of these label ids.
    exclude_labels: Option<Vec<String>>,
    /// Days of mail to look back, 1 to 36,500.
    mail_days_back: Option<i32>,
    /// The ids of the calendars to look at, 1 to 50; the main one when left out.
    calendars: Option<Vec<String>>,
    /// Days of meetings to look back, 0 to 3,650.
    calendar_days_back: Option<i32>,
    /// Days of meetings to look ahead, 0 to 3,650.
    calendar_days_ahead: Option<i32>,
    /// Whether events marked private may come in.
    private_events: Option<bool>,
    /// Addresses whose mail and meetings stay out, at most 500.
    excluded_senders: Option<Vec<String>>,
    /// Domains whose mail and meetings stay out, with their subdomains, at most 500.
    excluded_domains: Option<Vec<String>>,
    /// Whether what an earlier undo took away may come in again.
    #[graphql(default)]
    include_undone: bool,
}

/// What was found.
#[derive(SimpleObject)]
pub(super) struct PreviewPayload {
    /// The preview; `null` when it could not be made.
    preview: Option<Preview>,
    /// Why it could not be made; empty when it was.
    user_errors: Vec<UserError>,
}

/// What to approve.
#[derive(InputObject)]
pub(super) struct ApproveInput {
    /// The preview to make binding.
    preview_id: ID,
    /// Addresses to leave out beyond what the preview leaves out.
    #[graphql(default)]
    excluded_senders: Vec<String>,
    /// Domains to leave out beyond what the preview leaves out.
    #[graphql(default)]
    excluded_domains: Vec<String>,
    /// The same key approves once, however often it is sent; 1 to 200 characters, such as a random UUID.
    idempotency_key: String,
}

/// What was started.
#[derive(SimpleObject)]
pub(super) struct ApprovePayload {
    /// The batch that runs; `null` when nothing was started.
    batch: Option<Batch>,
    /// Why nothing was started; empty when it was.
    user_errors: Vec<UserError>,
}

/// Which account to bring up to date.
#[derive(InputObject)]
pub(super) struct SyncNowInput {
    /// The account.
    account_id: ID,
}

/// What was started.
#[derive(SimpleObject)]
pub(super) struct SyncNowPayload {
    /// The batch that runs; one that had been running is returned as it stands. `null` when there is none.
    batch: Option<Batch>,
    /// Why nothing was started; empty when it was.
    user_errors: Vec<UserError>,
}

impl SyncNowPayload {
    async fn of(
        ctx: &Context<'_>,
        input: SyncNowInput,
        act: impl AsyncFnOnce(&App, &Caller, AccountId) -> sync::Result<BatchRow>,
    ) -> Result<Self> {
        let Some(account) = id::decode_as(Kind::Account, &input.account_id).map(AccountId) else {
            return Ok(Self { batch: None, user_errors: vec![Refusal::NotFound { what: "account" }.into()] });
        };
        let (batch, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, account).await)?;
        Ok(Self { batch: batch.map(Batch), user_errors })
    }
}

/// What to take back.
#[derive(InputObject)]
pub(super) struct UndoInput {
    /// The batch to take back.
    batch_id: ID,
    /// Only say what it would do.
    #[graphql(default)]
    dry_run: bool,
}

/// What is taken back.
#[derive(SimpleObject)]
pub(super) struct UndoPayload {
    /// The batch; `batchProgress` tells when it is undone. `null` when there is none.
    batch: Option<Batch>,
    /// What the undo takes away, sets back and leaves, counted before it began.
    counts: Vec<UndoCount>,
    /// Why it was not begun; empty when it was.
    user_errors: Vec<UserError>,
}

/// What to bring back.
#[derive(InputObject)]
pub(super) struct RedoInput {
    /// The batch to bring back; it must be `UNDONE`, and its `redoUntil` not over.
    batch_id: ID,
}

/// What comes back.
#[derive(SimpleObject)]
pub(super) struct RedoPayload {
    /// The batch; `batchProgress` tells when it is what it was before the undo. `null` when nothing was begun.
    batch: Option<Batch>,
    /// Why it was not begun; empty when it was.
    user_errors: Vec<UserError>,
}

/// What becomes of the data of an account that is disconnected.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum DisconnectData {
    /// It stays as it is.
    Keep,
    /// Every batch of the account is undone, and none can be redone: mail, meetings and their raw copies go. The ledger keeps
    /// their ids, so that they do not come back by themselves.
    Erase,
}

/// How to part from an account.
#[derive(InputObject)]
pub(super) struct DisconnectInput {
    /// The account.
    account_id: ID,
    /// What becomes of its data.
    data: DisconnectData,
    /// Whether to take the grant back at the provider, too. Careful: that ends this application's access for everyone here
    /// who has linked the same identity, and with all scopes.
    #[graphql(default = true)]
    revoke: bool,
}

/// What became of an account.
#[derive(SimpleObject)]
pub(super) struct DisconnectPayload {
    /// The account, which keeps its id for the day it is connected again; `null` when nothing was changed.
    account: Option<Account>,
    /// How many batches are being undone; `batches` shows them.
    undoing: i32,
    /// Whether the provider took the grant back. `null` when it was not asked, or there was none; when `false`, the person can
    /// take it back on the provider's own page.
    revoked_at_provider: Option<bool>,
    /// Why nothing was changed; empty when it was.
    user_errors: Vec<UserError>,
}

/// Which batch to hold, to let go on, or to stop.
#[derive(InputObject)]
pub(super) struct ControlBatchInput {
    /// The batch.
    batch_id: ID,
}

/// The batch as it stands now.
#[derive(SimpleObject)]
pub(super) struct ControlBatchPayload {
    /// The batch; `null` when nothing was changed.
    batch: Option<Batch>,
    /// Why nothing was changed; empty when it is as was asked.
    user_errors: Vec<UserError>,
}

impl ControlBatchPayload {
    async fn of(
        ctx: &Context<'_>,
        input: ControlBatchInput,
        act: impl AsyncFnOnce(&App, &Caller, BatchId) -> sync::Result<BatchRow>,
    ) -> Result<Self> {
        let Some(id) = id::decode_as(Kind::Batch, &input.batch_id).map(BatchId) else {
            return Ok(Self { batch: None, user_errors: vec![Refusal::NotFound { what: "batch" }.into()] });
        };
        let (batch, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, id).await)?;
        Ok(Self { batch: batch.map(Batch), user_errors })
    }
}

/// Which job to try again or to put aside.
#[derive(InputObject)]
pub(super) struct ControlJobInput {
    /// The job; it must be `DEAD`.
    job_id: ID,
}

/// The job as it stands now.
#[derive(SimpleObject)]
pub(super) struct ControlJobPayload {
    /// The job; `null` when nothing was changed.
    job: Option<Job>,
    /// Why nothing was changed; empty when it is as was asked.
    user_errors: Vec<UserError>,
}

impl ControlJobPayload {
    async fn of(
        ctx: &Context<'_>,
        input: ControlJobInput,
        act: impl AsyncFnOnce(&App, &Caller, JobId) -> sync::Result<JobRow>,
    ) -> Result<Self> {
        let Some(id) = id::decode_as(Kind::Job, &input.job_id).map(JobId) else {
            return Ok(Self { job: None, user_errors: vec![Refusal::NotFound { what: "job" }.into()] });
        };
        let (job, user_errors) = payload(ctx, act(app(ctx)?, &caller(ctx)?, id).await)?;
        Ok(Self { job: job.map(Job), user_errors })
    }
}

/// The account with the new policy.
#[derive(SimpleObject)]
pub(super) struct SetDeletionPolicyPayload {
    /// The account as it is now; `null` when nothing was changed.
    account: Option<Account>,
    /// Why nothing was changed; empty when it was.
    user_errors: Vec<UserError>,
}

/// The new preferences.
#[derive(SimpleObject)]
pub(super) struct UpdatePreferencesPayload {
    /// The preferences as they are now; `null` when they were not changed.
    preferences: Option<Preferences>,
    /// Why they were not changed; empty when they were.
    user_errors: Vec<UserError>,
}

fn connect_cookie(app: &App, secret: &str) -> String {
    let secure = app.config.http.public_url.scheme() == "https";
    let path = connect::CALLBACK_PATH;
    format!(
        "{CONNECT_COOKIE}={secret}; Path={path}; HttpOnly; SameSite=Lax; Max-Age=600{}",
        if secure { "; Secure" } else { "" }
    )
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
        Ok(FinishConnectPayload {
            account_id: account.map(|account| id::encode(Kind::Account, account.0)),
            user_errors,
        })
    }

    /// Looks at what a sync would bring in, and stores nothing of it but the samples shown, for an hour.
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
        Ok(ApprovePayload { batch: batch.map(Batch), user_errors })
    }

    /// Brings in what has changed since the last run, under the consent in force.
    async fn sync_now(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account to bring up to date.")] input: SyncNowInput,
    ) -> Result<SyncNowPayload> {
        SyncNowPayload::of(ctx, input, approve::sync_now).await
    }

    /// Lists everything inside the consent anew, compares it with the ledger, fetches what the ledger did not know or what failed
    /// before, and looks after what the listing does not name. `Stream.coverage` then says what it came to. Costs 5 units for 500 mails.
    async fn audit_completeness(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which account to check.")] input: SyncNowInput,
    ) -> Result<SyncNowPayload> {
        SyncNowPayload::of(ctx, input, approve::audit_completeness).await
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
            return Ok(UndoPayload { batch: Some(Batch(row)), counts, user_errors });
        }
        let (started, user_errors) = payload(ctx, undo::start(app, &caller, batch).await)?;
        Ok(UndoPayload { batch: started.map(Batch), counts, user_errors })
    }

    /// Brings back what an undo took, as long as it is kept, and asks nothing of the provider for it. The consent that the undo
    /// withdrew is in force again; the next `syncNow` brings in what has happened since.
    async fn redo(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to bring back.")] input: RedoInput,
    ) -> Result<RedoPayload> {
        let Some(batch) = id::decode_as(Kind::Batch, &input.batch_id).map(BatchId) else {
            return Ok(RedoPayload { batch: None, user_errors: vec![Refusal::NotFound { what: "batch" }.into()] });
        };
        let (batch, user_errors) = payload(ctx, redo::start(app(ctx)?, &caller(ctx)?, batch).await)?;
        Ok(RedoPayload { batch: batch.map(Batch), user_errors })
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
            account: Some(Account(parted.account)),
            undoing: i32::try_from(parted.n_undoing).unwrap_or(i32::MAX),
            revoked_at_provider: parted.revoked,
            user_errors,
        })
    }

    /// Holds a run where it is: nothing is fetched until it is resumed. What was stored still comes onto the timeline.
    async fn pause(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to hold.")] input: ControlBatchInput,
    ) -> Result<ControlBatchPayload> {
        ControlBatchPayload::of(ctx, input, control::pause).await
    }

    /// Lets a run that is held go on from where it stood.
    async fn resume(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to let go on.")] input: ControlBatchInput,
    ) -> Result<ControlBatchPayload> {
        ControlBatchPayload::of(ctx, input, control::resume).await
    }

    /// Stops a run for good. What was stored stays, comes onto the timeline, and can be undone; the batch is `CANCELLED` once
    /// that is done. The consent stays in force: a later `syncNow` brings in the rest. To withdraw it, undo the batch.
    async fn cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to stop.")] input: ControlBatchInput,
    ) -> Result<ControlBatchPayload> {
        ControlBatchPayload::of(ctx, input, control::cancel).await
    }

    /// Tries a job again that was given up; its batch runs again with it.
    async fn retry_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to try again.")] input: ControlJobInput,
    ) -> Result<ControlJobPayload> {
        ControlJobPayload::of(ctx, input, control::retry).await
    }

    /// Puts a job aside that was given up, so that it is no longer among the dead. Its batch stays as it ended.
    async fn discard_job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to put aside.")] input: ControlJobInput,
    ) -> Result<ControlJobPayload> {
        ControlJobPayload::of(ctx, input, control::discard).await
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
        Ok(SetDeletionPolicyPayload { account: changed.map(Account), user_errors })
    }

    /// Changes what the next preview starts from. A running batch is not affected.
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
