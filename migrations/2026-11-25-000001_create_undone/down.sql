DROP TABLE undone_events;
DROP TABLE undone_items;
DROP TABLE undone_streams;

-- Without what an undo took away there is nothing to redo: what was under way ends as undone.
UPDATE jobs SET state = 'cancelled', finished_at = now(), lease_owner = NULL, lease_until = NULL
WHERE kind = 'redo' AND state NOT IN ('succeeded', 'dead', 'cancelled', 'discarded');
ALTER TABLE sync_audit DROP CONSTRAINT sync_audit_action_known;
UPDATE jobs SET kind = 'undo' WHERE kind = 'redo';
UPDATE sync_audit SET action = 'undo' WHERE action = 'redo';
ALTER TABLE sync_audit
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'preferences', 'disconnect')
    );
ALTER TABLE jobs
    DROP CONSTRAINT jobs_kind_known,
    ADD CONSTRAINT jobs_kind_known CHECK (
        kind IN ('google_gmail_sync', 'google_calendar_sync', 'normalize_google_email', 'normalize_google_event', 'undo')
    );
UPDATE batches SET state = 'undone', undone_at = now() WHERE state = 'redoing';
ALTER TABLE batches
    DROP CONSTRAINT batches_state_known,
    ADD CONSTRAINT batches_state_known CHECK (
        state IN ('queued', 'running', 'paused', 'succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone')
    ),
    DROP CONSTRAINT batches_finished_iff_over,
    ADD CONSTRAINT batches_finished_iff_over CHECK (
        (finished_at IS NOT NULL) = (state IN ('succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone'))
    ),
    DROP COLUMN undone_from,
    DROP COLUMN redo_until;
