-- What an undo takes away is kept for some days, apart from everything that is read or projected, so that it can be redone.
-- Payloads stay sealed as they were: what they are bound to (person, stream, item, version) stays the same.
ALTER TABLE batches ADD COLUMN undone_from text, ADD COLUMN redo_until timestamptz;
COMMENT ON COLUMN batches.undone_from IS 'The state that redo brings it back to; NULL unless it was undone.';
COMMENT ON COLUMN batches.redo_until IS 'Until when it can be redone; NULL when it cannot.';
ALTER TABLE batches
    DROP CONSTRAINT batches_state_known,
    ADD CONSTRAINT batches_state_known CHECK (
        state IN ('queued', 'running', 'paused', 'succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone', 'redoing')
    ),
    DROP CONSTRAINT batches_finished_iff_over,
    ADD CONSTRAINT batches_finished_iff_over CHECK (
        (finished_at IS NOT NULL) = (state IN ('succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone', 'redoing'))
    ),
    ADD CONSTRAINT batches_undone_from_is_an_end CHECK (undone_from IN ('succeeded', 'partial', 'failed', 'cancelled')),
    ADD CONSTRAINT batches_redo_only_of_undone CHECK (redo_until IS NULL OR undone_from IS NOT NULL);
-- What was undone before this migration was deleted; it cannot be redone, but has a state all the same.
UPDATE batches SET undone_from = 'cancelled' WHERE state IN ('undoing', 'undone');

ALTER TABLE jobs
    DROP CONSTRAINT jobs_kind_known,
    ADD CONSTRAINT jobs_kind_known CHECK (
        kind IN ('google_gmail_sync', 'google_calendar_sync', 'normalize_google_email', 'normalize_google_event', 'undo', 'redo')
    );
ALTER TABLE sync_audit
    DROP CONSTRAINT sync_audit_action_known,
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'redo',
            'preferences', 'disconnect')
    );

CREATE TABLE undone_streams (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    cursor text,
    listed boolean NOT NULL,
    purge_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, batch_id, stream_id),
    FOREIGN KEY (user_id, batch_id) REFERENCES batches,
    FOREIGN KEY (user_id, stream_id) REFERENCES streams
);
COMMENT ON TABLE undone_streams IS 'Where the streams of a batch stood when its undo began.';
COMMENT ON COLUMN undone_streams.user_id IS 'Whose row it is.';
COMMENT ON COLUMN undone_streams.batch_id IS 'The batch that was undone.';
COMMENT ON COLUMN undone_streams.stream_id IS 'A stream it read.';
COMMENT ON COLUMN undone_streams.cursor IS 'The stream''s cursor then. Where it is another by the time of the redo, a run has passed news of what was away.';
COMMENT ON COLUMN undone_streams.listed IS 'Whether everything inside the consent had been listed then.';
COMMENT ON COLUMN undone_streams.purge_at IS 'When the row goes.';

CREATE TABLE undone_items (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    source_id text NOT NULL,
    outcome text NOT NULL,
    version bigint,
    reason text,
    purge_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, batch_id, stream_id, source_id)
);
COMMENT ON TABLE undone_items IS 'The holds that undone batches gave up; redo gives them back.';
COMMENT ON COLUMN undone_items.user_id IS 'Whose row it is.';
COMMENT ON COLUMN undone_items.batch_id IS 'The batch that was undone.';
COMMENT ON COLUMN undone_items.stream_id IS 'As in batch_items.';
COMMENT ON COLUMN undone_items.source_id IS 'As in batch_items.';
COMMENT ON COLUMN undone_items.outcome IS 'As in batch_items.';
COMMENT ON COLUMN undone_items.version IS 'As in batch_items.';
COMMENT ON COLUMN undone_items.reason IS 'As in items, when the hold was given up.';
COMMENT ON COLUMN undone_items.purge_at IS 'When the row goes.';
-- Serves the question whether another undone batch may still want a raw event.
CREATE INDEX undone_items_holders ON undone_items (user_id, stream_id, source_id);
-- Serves the purge.
CREATE INDEX undone_items_to_purge ON undone_items (purge_at);

CREATE TABLE undone_events (
    user_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    source_id text NOT NULL,
    version bigint NOT NULL,
    provider text NOT NULL,
    kind text NOT NULL,
    group_key text NOT NULL,
    batch_id uuid NOT NULL,
    payload bytea NOT NULL,
    size_bytes integer NOT NULL,
    fetched_at timestamptz NOT NULL,
    purge_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, stream_id, source_id, version)
);
ALTER TABLE undone_events ALTER COLUMN payload SET STORAGE EXTERNAL;
COMMENT ON TABLE undone_events IS 'The raw events that undos took away, whichever batch gave up the last hold; redo puts them back.';
COMMENT ON COLUMN undone_events.user_id IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.stream_id IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.source_id IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.version IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.provider IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.kind IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.group_key IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.batch_id IS 'As in raw_events: the batch that brought it, not the one whose undo took it away.';
COMMENT ON COLUMN undone_events.payload IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.size_bytes IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.fetched_at IS 'As in raw_events.';
COMMENT ON COLUMN undone_events.purge_at IS 'When the row goes.';
-- Serves the purge.
CREATE INDEX undone_events_to_purge ON undone_events (purge_at);

DO $$
DECLARE
    bin text;
BEGIN
    FOREACH bin IN ARRAY ARRAY['undone_streams', 'undone_items', 'undone_events'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', bin);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', bin);
        EXECUTE format(
            'CREATE POLICY %I ON %I TO omnisync_api, omnisync_worker
                 USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()))',
            bin || '_own', bin);
        -- The scheduler purges what has expired, whoever's it is, and sees of it no more than when it does.
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT TO omnisync_scheduler USING (purge_at < now())', bin || '_expired', bin);
        EXECUTE format('CREATE POLICY %I ON %I FOR DELETE TO omnisync_scheduler USING (purge_at < now())', bin || '_purge', bin);
        EXECUTE format('GRANT SELECT (purge_at), DELETE ON %I TO omnisync_scheduler', bin);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE ON undone_streams TO omnisync_api;
GRANT SELECT, DELETE ON undone_streams TO omnisync_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON undone_items, undone_events TO omnisync_worker;
