//! A faithful Google on loopback: OAuth 2.0, Gmail and Calendar for invented people, with a control plane and a virtual
//! clock.
//!
//! It shares no line with the code that talks to Google, so that a wrong assumption cannot hide in both. It knows nothing
//! of omnisync. Its facts come from Google's documentation and discovery documents.
//!
//! Served under the root address:
//!
//! | path | what |
//! |---|---|
//! | `/o/oauth2/v2/auth` | account chooser and consent page |
//! | `/token`, `/revoke`, `/oauth2/v3/certs`, `/.well-known/openid-configuration`, `/v1/userinfo` | the rest of OAuth; the issuer is the root without its slash |
//! | `/gmail/v1/users/{me or address}/..` | profile, addresses, labels, messages, attachments, threads, history |
//! | `/calendar/v3/..` | calendar list, calendars, events, instances |
//! | `/batch`, `/batch/gmail/v1`, `/batch/calendar/v3` | many requests in one, as `multipart/mixed` |
//! | `/_sandbox/` | a page listing the accounts, and the control plane below |
//!
//! **The consent form.** `GET /o/oauth2/v2/auth` shows, once the account is clear (`login_hint`, or there is only one),
//! a form that posts to `/o/oauth2/v2/consent` as `application/x-www-form-urlencoded`: `request` (the hidden value in the
//! page), `scope` once for each ticked checkbox, and `decision` = `continue` or `cancel`. The answer is a 303 to the
//! redirect address with `code`, `state`, `iss` and `scope`, or `error=access_denied`. The account chooser is links to the
//! same address with `account=` added.
//!
//! **With curl.** A mail is delivered, labelled and deleted, and a meeting made, by
//!
//! ```text
//! curl --data-binary @mail.eml  $ROOT/_sandbox/accounts/ada@example.com/messages
//! curl --json '{"add": ["STARRED"], "remove": ["UNREAD"]}'  $ROOT/_sandbox/accounts/ada@example.com/messages/$ID/labels
//! curl -X DELETE  $ROOT/_sandbox/accounts/ada@example.com/messages/$ID
//! curl --json '{"summary": "Tea", "start": {"dateTime": "2026-12-01T16:00:00Z"}}'  $ROOT/_sandbox/accounts/ada@example.com/events
//! ```
//!
//! A `POST` of `{"address": "a@example.org", "is_verified": true, "is_treated_as_alias": true}` to `../aliases` adds an address to send
//! from. `?calendar=` names another calendar than the primary one for the last. Conditions are set by
//!
//! ```text
//! curl --json '{"seconds": 3600}'  $ROOT/_sandbox/clock
//! curl -X PUT --json '{"table": "legacy", "gmailPerUser": 1000, "form": "tooManyRequests"}'  $ROOT/_sandbox/quota
//! curl $ROOT/_sandbox/quota
//! curl -X PUT --json '{"historyLagSecs": 5, "emptyPages": true}'  $ROOT/_sandbox/behaviour
//! curl --json '{"which": {"pathPrefix": "/gmail/"}, "effect": "cutBody", "when": {"share": {"probability": 0.2, "seed": 1}}}'  $ROOT/_sandbox/faults
//! curl -X POST  $ROOT/_sandbox/accounts/ada@example.com/do/expireHistory
//! curl $ROOT/_sandbox/journal
//! ```
//!
//! [`Quota`], [`Behaviour`] and [`FaultPlan`] say what each field means; `GET` says what was spent of the day's quota and
//! `null` takes the quota away, and `DELETE` the faults or the journal. Besides `expireHistory` an account may undergo `invalidateSyncTokens`, `expireAccessTokens`,
//! `expireRefreshTokens`, `changePassword`, `revokeGrants`, and `narrowGrants?scope=`.

mod batch;
mod behaviour;
mod calendar;
mod clock;
mod conditions;
mod control;
mod envelope;
mod error;
mod faults;
mod fields;
mod generate;
mod gmail;
mod ics;
mod journal;
mod load;
mod lock;
mod mbox;
mod oauth;
mod observe;
mod params;
mod quota;
mod remote;
mod rng;
mod server;
mod state;
#[cfg(test)]
mod tests;
mod world;

pub use self::{
    behaviour::Behaviour,
    calendar::{NewCalendar, Role},
    control::{AccountInfo, Control, Deliver, Truth},
    error::Error,
    faults::{Effect, Fault, FaultMatch, FaultPlan, When},
    generate::Generate,
    gmail::Alias,
    journal::Entry,
    load::Loaded,
    oauth::OAuthClient,
    quota::{Limit, PastDay, Quota, RefusalForm, Spent, UnitTable},
    server::{Options, Sandbox},
};
