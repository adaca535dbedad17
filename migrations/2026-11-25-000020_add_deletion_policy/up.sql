-- What becomes here of what was deleted at the provider, as the person wants it for each account.
ALTER TABLE accounts
    ADD COLUMN deletion_policy text NOT NULL DEFAULT 'tombstone',
    ADD COLUMN tombstone_days integer NOT NULL DEFAULT 30,
    ADD CONSTRAINT accounts_deletion_policy_known CHECK (deletion_policy IN ('mirror', 'keep', 'tombstone')),
    ADD CONSTRAINT accounts_tombstone_days_in_bounds CHECK (tombstone_days BETWEEN 1 AND 3650);
COMMENT ON COLUMN accounts.deletion_policy IS
    'What a deletion at the provider means here. mirror: the item goes, and its stored versions with it; tombstone: the versions stay for tombstone_days; keep: it stays in sight. Each deletion follows the policy it met.';
COMMENT ON COLUMN accounts.tombstone_days IS 'How many days the stored versions outlive a deletion under tombstone.';

ALTER TABLE raw_events
    DROP CONSTRAINT raw_events_kind_known,
    ADD CONSTRAINT raw_events_kind_known CHECK (kind IN ('item', 'gone', 'departed', 'kept'));
COMMENT ON TABLE raw_events IS
    'Every version of every item exactly as the provider sent it. Inserted, and deleted by undo or when a deletion''s time has come; never updated. Interactions are a function of it.';
COMMENT ON COLUMN raw_events.kind IS
    'item: the item''s payload; gone: the provider''s record of its deletion; departed: it left the approved filter, nothing of it is kept; kept: it was deleted and stays in sight as the newest item below says, because the policy was keep.';

ALTER TABLE interactions ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN interactions.deleted_at IS 'Since when the provider no longer has it; NULL while it has. Only what the policy keep has kept.';

ALTER TABLE items ADD COLUMN purge_at timestamptz;
COMMENT ON COLUMN items.purge_at IS
    'When the versions below its newest are deleted, by the database''s clock. Set with the marker that took it out of sight; NULL when nothing is to be deleted.';
-- Serves the sweep: whose versions are due.
CREATE INDEX items_purge_due ON items (purge_at) WHERE purge_at IS NOT NULL;
-- Serves the purge of one stream.
CREATE INDEX items_purge_of_stream ON items (user_id, stream_id, purge_at) WHERE purge_at IS NOT NULL;
-- The scheduler sees which streams of which users have something due, and nothing of what it is.
ALTER POLICY items_own ON items TO omnisync_api, omnisync_worker;
CREATE POLICY items_due ON items FOR SELECT TO omnisync_scheduler USING (purge_at <= now());
GRANT SELECT (user_id, stream_id, purge_at) ON items TO omnisync_scheduler;

-- What a batch has stored stays told when the version is deleted: the row then holds nothing.
ALTER TABLE batch_items DROP CONSTRAINT batch_items_version_known;
COMMENT ON COLUMN batch_items.version IS 'The version it holds; NULL when it holds none, or none any more.';

ALTER TABLE sync_audit
    DROP CONSTRAINT sync_audit_action_known,
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'redo', 'preferences', 'disconnect',
            'deletion_policy', 'purge')
    );
