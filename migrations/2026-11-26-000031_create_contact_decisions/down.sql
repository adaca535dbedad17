DELETE FROM sync_audit
    WHERE action IN ('merge_contacts', 'split_contact', 'rename_contact', 'dismiss_suggestion', 'block', 'unblock');
ALTER TABLE sync_audit
    DROP CONSTRAINT sync_audit_action_known,
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'redo', 'preferences', 'disconnect',
            'deletion_policy', 'purge')
    );
DROP TABLE blocklist;
DROP TABLE contact_dismissals;
DROP TABLE contact_names;
