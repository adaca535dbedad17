//! Whether an account is in step with its provider, and if not, what is missing.
//!
//! An account is active only when everything that the word promises is true. Whatever is not, is said by name.

use super::{
    account::{AccountState, Service},
    batch::BatchState,
    ids::StreamId,
    words,
};

words! {
    /// How an account stands.
    AccountStatus {
        /// Everything inside the consents is here, as far as the provider has told, and what changes will be noticed.
        Active = "active",
        /// It can be read, and something is not as it should be yet.
        Incomplete = "incomplete",
        /// It can be read, and nothing is approved.
        Linked = "linked",
        /// The grant has expired or was revoked; the person must link the account again.
        NeedsReauth = "needs_reauth",
        /// The person left out a scope that a service needs.
        NeedsScope = "needs_scope",
        /// The provider or an administrator does not let a service be read; others may be.
        Blocked = "blocked",
        /// The person took the link away.
        Disconnected = "disconnected",
    }
}

words! {
    /// What keeps an account from being active.
    ShortcomingCode {
        /// As [`AccountStatus::NeedsReauth`].
        NeedsReauth = "needs_reauth",
        /// Access to a service was not granted.
        ScopeMissing = "scope_missing",
        /// The provider or an administrator does not let the stream be read.
        Blocked = "blocked",
        /// As [`AccountStatus::Disconnected`].
        Disconnected = "disconnected",
        /// No consent is in force.
        NotApproved = "not_approved",
        /// No run has read the stream.
        NotSynced = "not_synced",
        /// The last run over the stream has not ended.
        RunUnfinished = "run_unfinished",
        /// The person stopped the last run.
        RunCancelled = "run_cancelled",
        /// The last run gave the stream up.
        RunFailed = "run_failed",
        /// The provider no longer knows the place to go on from.
        CursorDead = "cursor_dead",
        /// Not everything inside the consent has been listed.
        NotListed = "not_listed",
        /// Something that was listed has not been fetched.
        ItemsWaiting = "items_waiting",
        /// Something could not be fetched or read.
        ItemsFailed = "items_failed",
        /// Nothing has been listed to its end, so that nobody knows whether something is missing.
        CoverageUnknown = "coverage_unknown",
    }
}

/// One thing that keeps an account from being active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortcoming {
    pub code: ShortcomingCode,
    /// The stream it is about; `None` when it is about the whole account.
    pub stream: Option<StreamId>,
    /// What is not as it should be, and what mends it, fit to show.
    pub message: String,
}

/// How the last run over a stream stands, of those that are not undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastRun {
    pub batch: BatchState,
    /// Whether a job of it that served the stream was given up.
    pub gave_up: bool,
    /// Whether that was because the provider or an administrator does not let the stream be read.
    pub was_blocked: bool,
}

/// What is known of one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamFacts {
    pub stream: StreamId,
    pub service: Service,
    pub is_consented: bool,
    pub last_run: Option<LastRun>,
    pub has_cursor: bool,
    /// Whether everything inside the consent has been listed.
    pub is_listed: bool,
    /// Whether a run has ever left nothing to fetch.
    pub was_complete: bool,
    /// Whether something is pending.
    pub is_waiting: bool,
    /// Whether something has failed since the consent.
    pub has_failed: bool,
    /// Whether everything was ever listed to its end and compared with the ledger.
    pub is_covered: bool,
}

/// What is known of the link to the provider.
#[derive(Clone, Copy, Debug)]
pub struct LinkFacts<'a> {
    pub state: AccountState,
    /// Why it is in that state, fit to show.
    pub reason: Option<&'a str>,
    /// The granted OAuth scopes.
    pub scopes: &'a [String],
}

/// How an account stands, and what keeps it from being active: nothing exactly when it is.
pub fn of_account(link: LinkFacts<'_>, streams: &[StreamFacts]) -> (AccountStatus, Vec<Shortcoming>) {
    let broken = broken(link.state);
    let mut all: Vec<Shortcoming> = Vec::new();
    all.extend(broken.map(|(_, code, message)| {
        let message = link.reason.unwrap_or(message).to_owned();
        Shortcoming { code, stream: None, message }
    }));
    let has_consent = streams.iter().any(|stream| stream.is_consented);
    if matches!(link.state, AccountState::Active | AccountState::NeedsScope) {
        if !has_consent {
            let message = "Nothing is approved for this account. Make a preview and approve it.".to_owned();
            all.push(Shortcoming { code: ShortcomingCode::NotApproved, stream: None, message });
        }
        for stream in streams.iter().filter(|stream| stream.is_consented) {
            all.extend(of_stream(link.scopes, stream).into_iter().map(|(code, message)| {
                let (stream, message) = (Some(stream.stream), message.to_owned());
                Shortcoming { code, stream, message }
            }));
        }
    }
    let status = match broken {
        Some((status, ..)) => status,
        None if !has_consent => AccountStatus::Linked,
        None if all.iter().any(|one| one.code == ShortcomingCode::Blocked) => AccountStatus::Blocked,
        None if all.is_empty() => AccountStatus::Active,
        None => AccountStatus::Incomplete,
    };
    (status, all)
}

/// What a link that does not work makes of the account.
const fn broken(link: AccountState) -> Option<(AccountStatus, ShortcomingCode, &'static str)> {
    Some(match link {
        AccountState::Active => return None,
        AccountState::NeedsReauth => (
            AccountStatus::NeedsReauth,
            ShortcomingCode::NeedsReauth,
            "The link has expired or was taken back at the provider. Connect the account again.",
        ),
        AccountState::NeedsScope => (
            AccountStatus::NeedsScope,
            ShortcomingCode::ScopeMissing,
            "Access to a service was not granted. Connect the account again and leave it ticked.",
        ),
        AccountState::Disconnected => (
            AccountStatus::Disconnected,
            ShortcomingCode::Disconnected,
            "The account was disconnected. Connect it again to use it.",
        ),
    })
}

fn of_stream(scopes: &[String], facts: &StreamFacts) -> Vec<(ShortcomingCode, &'static str)> {
    use ShortcomingCode as Code;
    if !facts.service.is_granted(scopes) {
        return vec![(
            Code::ScopeMissing,
            "Access to this service is missing. Connect the account again and leave it ticked.",
        )];
    }
    let mut all = Vec::new();
    all.extend(match facts.last_run {
        None => Some((Code::NotSynced, "Nothing of this has been read. A sync brings it in.")),
        Some(run) => of_run(run),
    });
    all.extend(match (facts.has_cursor, facts.is_listed) {
        (true, true) => None,
        (false, _) if facts.was_complete => Some((
            Code::CursorDead,
            "The provider no longer knows the place to go on from. A sync lists everything anew.",
        )),
        _ => Some((Code::NotListed, "Not everything that was approved has been listed. A sync lists the rest.")),
    });
    if facts.is_waiting {
        all.push((Code::ItemsWaiting, "Something was listed and has not been fetched. A sync fetches it."));
    }
    if facts.has_failed {
        let message =
            "Something could not be fetched or read; the items say what, and why. A completeness audit tries it again.";
        all.push((Code::ItemsFailed, message));
    }
    if !facts.is_covered {
        all.push((Code::CoverageUnknown, "Whether something is missing is not known. A completeness audit tells."));
    }
    all
}

const fn of_run(run: LastRun) -> Option<(ShortcomingCode, &'static str)> {
    use ShortcomingCode as Code;
    match run.batch {
        BatchState::Queued | BatchState::Running => Some((Code::RunUnfinished, "A run is under way.")),
        BatchState::Paused => Some((Code::RunUnfinished, "The last run is held. Resume it, or cancel it.")),
        BatchState::Undoing => Some((Code::RunUnfinished, "The last run is being taken back.")),
        BatchState::Redoing => Some((Code::RunUnfinished, "What was taken back of the last run is coming back.")),
        BatchState::Cancelled => Some((Code::RunCancelled, "The last run was cancelled. A sync brings in the rest.")),
        BatchState::Partial | BatchState::Failed if run.was_blocked => Some((
            Code::Blocked,
            "The provider or an administrator does not let this be read. Ask them, and sync again then.",
        )),
        BatchState::Partial | BatchState::Failed if run.gave_up => {
            Some((Code::RunFailed, "The last run gave up; its error says why. When that is mended, sync again."))
        }
        // Another stream's trouble, or items that failed, which are told of by themselves.
        BatchState::Partial | BatchState::Failed | BatchState::Succeeded | BatchState::Undone => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> StreamFacts {
        StreamFacts {
            stream: StreamId::generate(),
            service: Service::Gmail,
            is_consented: true,
            last_run: Some(LastRun { batch: BatchState::Succeeded, gave_up: false, was_blocked: false }),
            has_cursor: true,
            is_listed: true,
            was_complete: true,
            is_waiting: false,
            has_failed: false,
            is_covered: true,
        }
    }

    fn judged(state: AccountState, streams: &[StreamFacts]) -> (AccountStatus, Vec<ShortcomingCode>) {
        let scopes = [Service::Gmail.scope().to_owned()];
        let (status, all) = of_account(LinkFacts { state, reason: None, scopes: &scopes }, streams);
        assert_eq!(status == AccountStatus::Active, all.is_empty(), "nothing is wanting exactly when it is active");
        assert!(all.iter().all(|one| one.message.ends_with('.')), "{all:?}");
        (status, all.iter().map(|one| one.code).collect())
    }

    fn with(change: impl FnOnce(&mut StreamFacts)) -> Vec<ShortcomingCode> {
        let mut facts = sound();
        change(&mut facts);
        judged(AccountState::Active, &[sound(), facts]).1
    }

    #[test]
    fn an_account_is_active_when_everything_is_true_of_every_stream() {
        assert_eq!(judged(AccountState::Active, &[sound()]), (AccountStatus::Active, vec![]));
        let ended =
            |batch, gave_up| with(|facts| facts.last_run = Some(LastRun { batch, gave_up, was_blocked: false }));
        use BatchState::{Cancelled, Failed, Partial, Paused, Queued, Running, Succeeded, Undoing};
        use ShortcomingCode as Code;
        for (found, expected) in [
            (with(|facts| facts.last_run = None), vec![Code::NotSynced]),
            (ended(Queued, false), vec![Code::RunUnfinished]),
            (ended(Running, false), vec![Code::RunUnfinished]),
            (ended(Paused, false), vec![Code::RunUnfinished]),
            (ended(Undoing, false), vec![Code::RunUnfinished]),
            (ended(Cancelled, false), vec![Code::RunCancelled]),
            (ended(Failed, true), vec![Code::RunFailed]),
            (ended(Partial, true), vec![Code::RunFailed]),
            (ended(Partial, false), vec![]),
            (ended(Succeeded, false), vec![]),
            (with(|facts| (facts.has_cursor, facts.is_listed) = (false, false)), vec![Code::CursorDead]),
            (with(|facts| facts.has_cursor = false), vec![Code::CursorDead]),
            (with(|facts| facts.is_listed = false), vec![Code::NotListed]),
            (
                with(|facts| (facts.has_cursor, facts.is_listed, facts.was_complete) = (false, false, false)),
                vec![Code::NotListed],
            ),
            (with(|facts| facts.is_waiting = true), vec![Code::ItemsWaiting]),
            (with(|facts| facts.has_failed = true), vec![Code::ItemsFailed]),
            (with(|facts| facts.is_covered = false), vec![Code::CoverageUnknown]),
            (with(|facts| facts.service = Service::Calendar), vec![Code::ScopeMissing]),
            (
                with(|facts| (facts.is_waiting, facts.has_failed, facts.last_run) = (true, true, None)),
                vec![Code::NotSynced, Code::ItemsWaiting, Code::ItemsFailed],
            ),
            // What is not consented to is nobody's business.
            (with(|facts| (facts.is_consented, facts.last_run, facts.is_covered) = (false, None, false)), vec![]),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn without_a_consent_an_account_is_linked_and_a_broken_link_comes_first() {
        let off = StreamFacts { is_consented: false, ..sound() };
        let nothing = (AccountStatus::Linked, vec![ShortcomingCode::NotApproved]);
        assert_eq!(
            (judged(AccountState::Active, &[]), judged(AccountState::Active, &[off])),
            (nothing.clone(), nothing)
        );
        let unread = StreamFacts { last_run: None, ..sound() };
        for (state, status, code) in [
            (AccountState::NeedsReauth, AccountStatus::NeedsReauth, ShortcomingCode::NeedsReauth),
            (AccountState::Disconnected, AccountStatus::Disconnected, ShortcomingCode::Disconnected),
        ] {
            for streams in [vec![], vec![sound()], vec![unread.clone()]] {
                assert_eq!(judged(state, &streams), (status, vec![code]));
            }
        }
        // Where one service is missing, the other works, and may have troubles of its own.
        for (streams, of_streams) in [
            (vec![], vec![ShortcomingCode::NotApproved]),
            (vec![sound()], vec![]),
            (vec![unread], vec![ShortcomingCode::NotSynced]),
        ] {
            let codes = [vec![ShortcomingCode::ScopeMissing], of_streams].concat();
            assert_eq!(judged(AccountState::NeedsScope, &streams), (AccountStatus::NeedsScope, codes));
        }
    }

    #[test]
    fn the_links_own_reason_is_what_people_read() {
        let link = LinkFacts { state: AccountState::NeedsReauth, reason: Some("Ask Bob."), scopes: &[] };
        assert_eq!(of_account(link, &[]).1[0].message, "Ask Bob.");
    }
}
