DELETE FROM sync_audit WHERE action IN ('deletion_policy', 'purge');
ALTER TABLE sync_audit
    DROP CONSTRAINT sync_audit_action_known,
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'redo', 'preferences', 'disconnect')
    );

DELETE FROM batch_items WHERE outcome IN ('stored', 'unchanged') AND version IS NULL;
ALTER TABLE batch_items ADD CONSTRAINT batch_items_version_known CHECK (outcome NOT IN ('stored', 'unchanged') OR version IS NOT NULL);
COMMENT ON COLUMN batch_items.version IS 'The version it found.';

REVOKE SELECT (user_id, stream_id, purge_at) ON items FROM omnisync_scheduler;
DROP POLICY items_due ON items;
ALTER POLICY items_own ON items TO PUBLIC;
ALTER TABLE items DROP COLUMN purge_at;

-- Without the policy, what was deleted at the provider goes.
DELETE FROM interactions WHERE deleted_at IS NOT NULL;
ALTER TABLE interactions DROP COLUMN deleted_at;
UPDATE raw_events SET kind = 'gone' WHERE kind = 'kept';
ALTER TABLE raw_events
    DROP CONSTRAINT raw_events_kind_known,
    ADD CONSTRAINT raw_events_kind_known CHECK (kind IN ('item', 'gone', 'departed'));
COMMENT ON TABLE raw_events IS
    'Every version of every item exactly as the provider sent it. Inserted and, by undo, deleted; never updated. Interactions are a function of it.';
COMMENT ON COLUMN raw_events.kind IS
    'item: the item''s payload; gone: the provider''s record of its deletion; departed: it left the approved filter, nothing of it is kept.';

ALTER TABLE accounts DROP COLUMN deletion_policy, DROP COLUMN tombstone_days;
