//! The words of the audit.

use super::words;

words! {
    /// What was done.
    AuditAction {
        /// An account was linked, or was to be.
        Connect = "connect",
        /// A preview was made.
        Preview = "preview",
        /// A preview was approved.
        Approve = "approve",
        /// A run of any kind ended; or, as started, a later run began.
        Sync = "sync",
        /// A run that lists everything anew began.
        Audit = "audit",
        /// A run was held.
        Pause = "pause",
        /// A run was let go on.
        Resume = "resume",
        /// A run was stopped.
        Cancel = "cancel",
        /// A job was tried again.
        Retry = "retry",
        /// A job was put aside.
        Discard = "discard",
        /// A batch was taken back.
        Undo = "undo",
        /// A batch was brought back.
        Redo = "redo",
        /// Preferences were changed.
        Preferences = "preferences",
        /// What deletions mean was changed.
        DeletionPolicy = "deletion_policy",
        /// What was kept for long enough was deleted.
        Purge = "purge",
        /// An account was disconnected.
        Disconnect = "disconnect",
        /// Contacts were said to be one person.
        MergeContacts = "merge_contacts",
        /// A contact was said to be two people.
        SplitContact = "split_contact",
        /// A contact was given a name, or lost it.
        RenameContact = "rename_contact",
        /// Contacts were said to be different people.
        DismissSuggestion = "dismiss_suggestion",
        /// Addresses or domains were blocked.
        Block = "block",
        /// Addresses or domains were blocked no longer.
        Unblock = "unblock",
    }
}

words! {
    /// How it went.
    AuditOutcome {
        /// It has begun.
        Started = "started",
        /// It is done.
        Succeeded = "succeeded",
        /// It is done but for some items.
        Partial = "partial",
        /// It could not be done.
        Failed = "failed",
        /// It was stopped.
        Cancelled = "cancelled",
        /// The person or the provider refused it.
        Refused = "refused",
    }
}

words! {
    /// Who did it.
    AuditActor {
        /// The person.
        User = "user",
        /// Background work on their behalf.
        Worker = "worker",
    }
}
