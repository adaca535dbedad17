//! The closed sets of the domain as GraphQL enums.

use async_graphql::Enum;

use crate::{
    domain::{account, audit, batch, deletion, item, job, normalize, people, status},
    sync::content,
};

/// A company whose services hold the person's data.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "account::ProviderName")]
pub enum Provider {
    /// Google: Gmail and Google Calendar.
    Google,
}

/// A kind of data at a provider.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "account::Service")]
pub enum Service {
    /// Mail.
    Gmail,
    /// Meetings.
    Calendar,
}

/// How an account stands. `Account.shortcomings` says what keeps it from being `ACTIVE`.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "status::AccountStatus")]
pub enum AccountState {
    /// Everything that was approved is here and in step: of every mailbox and calendar the last run has ended well, all was
    /// listed and fetched, how complete it is was checked, and the place to go on from is known.
    Active,
    /// It can be read, but not all that `ACTIVE` promises is true at the moment, as while a run is under way.
    Incomplete,
    /// It can be read, and nothing is approved. Make a preview.
    Linked,
    /// The link has expired or was taken back at the provider. Connect the account again.
    NeedsReauth,
    /// Access to a service was not granted. Connect again to add it; the other service works.
    NeedsScope,
    /// The provider or an administrator does not let a service be read; others may be.
    Blocked,
    /// The link was taken away here.
    Disconnected,
}

/// What keeps an account from being `ACTIVE`.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "status::ShortcomingCode")]
pub enum ShortcomingCode {
    /// The link has expired or was taken back at the provider. Connect the account again.
    NeedsReauth,
    /// Access to a service was not granted. Connect again and leave it ticked.
    ScopeMissing,
    /// The provider or an administrator does not let this be read. The person must ask them; sync again then.
    Blocked,
    /// The link was taken away here. Connect the account again.
    Disconnected,
    /// Nothing is approved. Preview and approve.
    NotApproved,
    /// No run has read it. `syncNow` does.
    NotSynced,
    /// The last run has not ended: it works, is held, is being taken back, or comes back. Wait; `resume` or `cancel` one that is held.
    RunUnfinished,
    /// The last run was stopped. `syncNow` brings in the rest.
    RunCancelled,
    /// The last run gave up; `Batch.error` says why. `retryJob`, or `syncNow`, when that is mended.
    RunFailed,
    /// The provider no longer knows the place to go on from. `syncNow` lists everything anew.
    CursorDead,
    /// Not everything that was approved has been listed. `syncNow` lists the rest.
    NotListed,
    /// Something was listed and has not been fetched. `syncNow` fetches it.
    ItemsWaiting,
    /// Something could not be fetched or read; `items(outcome: [FAILED])` says what and why. `auditCompleteness` tries it again.
    ItemsFailed,
    /// Nothing was ever listed to its end, so nobody knows whether something is missing. `auditCompleteness` tells.
    CoverageUnknown,
}

/// What becomes here of mail that is deleted or put into the bin at the provider, and of meetings that are cancelled as a whole.
/// One cancelled occurrence of a series is a change of it, and goes whatever the policy.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "deletion::DeletionKind")]
pub enum DeletionPolicyKind {
    /// It leaves the timeline, and what is stored of it is deleted within seconds. Undo cannot bring it back.
    Mirror,
    /// It stays on the timeline; `Interaction.deletedAt` says since when the provider no longer has it.
    Keep,
    /// It leaves the timeline. What is stored of it stays for some days, in which undoing the run that brought the deletion
    /// brings it back, and is then deleted.
    Tombstone,
}

/// Whose calls a breaker counts.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub enum BreakerScope {
    /// Those of this account.
    Account,
    /// Those of everyone who uses this application.
    Project,
}

/// How a breaker stands.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls are made.
    Closed,
    /// The provider failed too often, and is not asked.
    Open,
    /// One call finds out whether the provider answers again; the others wait for what comes of it.
    HalfOpen,
}

/// Where a batch stands.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "batch::BatchState")]
pub enum BatchState {
    /// Approved or asked for; no worker has begun.
    Queued,
    /// Workers fetch and normalize.
    Running,
    /// Held; nothing is fetched until it is resumed.
    Paused,
    /// Finished: every item that was listed has a good outcome.
    Succeeded,
    /// Finished, but some items failed, which `items` lists with their reasons, or a job was given up, as `error` says.
    Partial,
    /// Given up before anything came in; `error` says why and what to do.
    Failed,
    /// Stopped; what had come in stays until it is undone.
    Cancelled,
    /// Being taken back.
    Undoing,
    /// Taken back; it can be redone until `redoUntil`.
    Undone,
    /// What was taken back comes back; after that the batch stands where it stood before the undo.
    Redoing,
}

/// Why a batch exists.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "batch::BatchOrigin")]
pub enum BatchOrigin {
    /// The person approved a preview.
    Approve,
    /// A later run that brings in what has changed, under a consent approved before.
    Sync,
    /// `auditCompleteness`: everything was listed anew and compared with `items`.
    Audit,
}

/// What became of one id at the provider.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "item::ItemOutcome")]
pub enum ItemOutcome {
    /// Listed, not fetched yet.
    Pending,
    /// Fetched and stored.
    Stored,
    /// Found again, in the version that is stored already.
    Unchanged,
    /// Kept out by a rule of the consent; `reason` names it.
    Filtered,
    /// Could not be fetched or read; `reason` says why.
    Failed,
    /// No longer at the provider.
    Gone,
    /// Taken away by an undo; it does not come back unless a preview includes it.
    Undone,
}

/// A kind of background work.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "job::JobKind")]
pub enum JobKind {
    /// Lists and fetches mail.
    GmailSync,
    /// Lists and fetches meetings.
    CalendarSync,
    /// Turns stored mail into interactions.
    NormalizeMail,
    /// Turns stored meetings into interactions.
    NormalizeEvent,
    /// Takes a batch back.
    Undo,
    /// Brings back what an undo took.
    Redo,
}

/// Where a job stands.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "job::JobState")]
pub enum JobState {
    /// Waits for a worker, or for the time of its next try.
    Queued,
    /// A worker is at it.
    Running,
    /// Waits for another job to make work for it.
    Waiting,
    /// Held with its batch until that is resumed.
    Paused,
    /// Finished.
    Succeeded,
    /// Given up; its error says why.
    Dead,
    /// Stopped with its batch.
    Cancelled,
    /// Given up, and put aside.
    Discarded,
}

/// What a row of the timeline is.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::InteractionKind")]
pub enum InteractionKind {
    /// A mail.
    Email,
    /// A meeting, or one occurrence of a recurring one.
    Meeting,
}

/// Which way an interaction went, seen from the account.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Direction")]
pub enum Direction {
    /// By the account's owner.
    Sent,
    /// By someone else.
    Received,
    /// By the owner to the owner alone.
    Internal,
}

/// What kind of mail a mail is, as far as its headers tell. Only the authors of `PERSONAL` and `LIST` are people to know: the
/// others are programs, or write to nobody in particular.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Category")]
pub enum MailCategory {
    /// From one person to others.
    Personal,
    /// Through a list on which people write to each other.
    List,
    /// An invitation to a meeting, an answer to one, or its cancellation.
    Invitation,
    /// To many at once: a newsletter, an advertisement.
    Bulk,
    /// Written by a program, or sent from an address that takes no answers.
    Notification,
    /// A program's answer for someone who is away.
    AutoReply,
    /// A server's report that a mail could not be delivered.
    Bounce,
}

/// How a mail is protected, by its structure. Nothing is verified or decrypted.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Protection")]
pub enum MailProtection {
    /// Signed: whom it is from, and that it is unchanged, can be verified.
    Signed,
    /// Encrypted: its text cannot be read here.
    Encrypted,
}

/// What becomes of images that a mail would have a browser load from elsewhere.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "content::RemoteImages")]
pub enum RemoteImages {
    /// They are taken out.
    Blocked,
    /// They come through this server, where it is set up to do so: their servers learn that the mail is read, but not where or by
    /// whom. Images too small to be seen are taken out even so.
    Proxied,
}

/// What the calendar in a mail is sent for.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::InvitationMethod")]
pub enum InvitationMethod {
    /// For information.
    Publish,
    /// An invitation, or news of a meeting.
    Request,
    /// An answer.
    Reply,
    /// More occurrences.
    Add,
    /// A cancellation.
    Cancel,
    /// Someone asks for the newest version.
    Refresh,
    /// Someone proposes another time.
    Counter,
    /// The proposal is declined.
    DeclineCounter,
}

/// What an event in a calendar is.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::EventType")]
pub enum EventType {
    /// A meeting or an appointment.
    Default,
    /// A birthday of a contact.
    Birthday,
    /// Time set aside for work.
    FocusTime,
    /// An appointment that Gmail has found in a mail.
    FromGmail,
    /// An absence.
    OutOfOffice,
    /// Where the owner works on a day.
    WorkingLocation,
}

/// Who may see an event in its calendar.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Visibility")]
pub enum EventVisibility {
    /// Whoever sees the calendar.
    Default,
    /// Everyone.
    Public,
    /// Who is invited.
    Private,
    /// As `PRIVATE`, in an older word.
    Confidential,
}

/// What could not be read or kept of an interaction. Everything else is there.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Note")]
pub enum InteractionNote {
    /// The text is longer than 1 MiB: only its beginning is kept.
    TextCut,
    /// Some characters are in no charset that we know.
    CharactersLost,
    /// The mail has more parts than are looked at.
    PartsLeftOut,
    /// More people took part than are kept.
    PeopleLeftOut,
    /// More files came with it than are kept.
    FilesLeftOut,
    /// The rule of a series cannot be read, so it is shown as one meeting.
    RuleUnread,
    /// The series has more occurrences than are kept.
    OccurrencesLeftOut,
}

/// What a person had to do with an interaction.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "normalize::Role")]
pub enum Role {
    /// The author of a mail.
    From,
    /// A main recipient.
    To,
    /// A recipient of a copy.
    Cc,
    /// A recipient of a blind copy.
    Bcc,
    /// Where answers go, when not to the author.
    ReplyTo,
    /// The organizer of a meeting.
    Organizer,
    /// An invited person.
    Attendee,
    /// A room or a device.
    Resource,
}

/// Who is a contact.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "people::ContactPolicy")]
pub enum ContactPolicy {
    /// Nobody.
    None,
    /// Whom the person wrote to, or has merged, split or renamed. Meetings do not count, because many are arranged by others.
    Sent,
    /// Those of `SENT`, and whom the person met or heard from.
    All,
}

/// What speaks for two contacts being one person.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "people::suggest::EvidenceKind")]
pub enum EvidenceKind {
    /// Both are called by the same full name, of at least two words. Every suggestion has this and at least one more.
    SameName,
    /// What stands before the at sign of their addresses is the same.
    SameLocalPart,
    /// Their addresses are at one organisation, and both are made of the name.
    SameOrganisation,
    /// The one has written a mail whose answers go to the other.
    ReplyTo,
    /// Both were in one conversation, and never in one mail, as far as the newest mails tell.
    SameConversation,
}

/// What an entry of the audit tells of.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "audit::AuditAction")]
pub enum AuditAction {
    /// An account was linked, or was to be.
    Connect,
    /// A preview was made.
    Preview,
    /// A preview was approved.
    Approve,
    /// A run of any kind ended; or, with the outcome `STARTED`, `syncNow` began one.
    Sync,
    /// `auditCompleteness` began a run.
    Audit,
    /// A run was held.
    Pause,
    /// A run was let go on.
    Resume,
    /// A run was stopped.
    Cancel,
    /// A job was tried again.
    Retry,
    /// A job was put aside.
    Discard,
    /// A batch was taken back.
    Undo,
    /// A batch was brought back.
    Redo,
    /// Preferences were changed.
    Preferences,
    /// What deletions mean was changed.
    DeletionPolicy,
    /// What was kept for long enough was deleted.
    Purge,
    /// An account was disconnected.
    Disconnect,
    /// Contacts were said to be one person.
    MergeContacts,
    /// A contact was said to be two people.
    SplitContact,
    /// A contact was given a name, or lost it.
    RenameContact,
    /// Contacts were said to be different people.
    DismissSuggestion,
    /// Addresses or domains were blocked.
    Block,
    /// Addresses or domains were blocked no longer.
    Unblock,
}

/// How something went that the audit tells of.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "audit::AuditOutcome")]
pub enum AuditOutcome {
    /// It has begun.
    Started,
    /// It is done.
    Succeeded,
    /// It is done but for some items.
    Partial,
    /// It could not be done.
    Failed,
    /// It was stopped.
    Cancelled,
    /// The person or the provider refused it.
    Refused,
}

/// Who did something that the audit tells of.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
#[graphql(remote = "audit::AuditActor")]
pub enum AuditActor {
    /// The person.
    User,
    /// Background work on their behalf.
    Worker,
}

/// Whether a meeting is certain. A cancelled one is not on the timeline.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub enum MeetingStatus {
    /// It takes place.
    Confirmed,
    /// It may take place.
    Tentative,
}

impl MeetingStatus {
    /// The provider's word; `None` for one that means neither.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "confirmed" => Some(Self::Confirmed),
            "tentative" => Some(Self::Tentative),
            _ => None,
        }
    }
}

/// An answer to an invitation.
#[derive(Enum, Copy, Clone, Debug, PartialEq, Eq)]
pub enum InvitationResponse {
    /// None yet.
    NeedsAction,
    /// They will not come.
    Declined,
    /// They may come.
    Tentative,
    /// They will come.
    Accepted,
}

impl InvitationResponse {
    /// The provider's word; `None` for one that means none of these.
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "needsAction" => Some(Self::NeedsAction),
            "declined" => Some(Self::Declined),
            "tentative" => Some(Self::Tentative),
            "accepted" => Some(Self::Accepted),
            _ => None,
        }
    }
}
