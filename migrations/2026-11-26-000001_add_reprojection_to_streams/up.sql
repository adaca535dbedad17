-- The rows of a stream are rebuilt from its raw events when the normalizer has changed, a chunk at a time.
ALTER TABLE streams
    -- What is there already is rebuilt once.
    ADD COLUMN projected_by integer NOT NULL DEFAULT 0,
    ADD COLUMN reprojected_to text,
    ADD COLUMN reprojection jsonb;
ALTER TABLE streams ALTER COLUMN projected_by DROP DEFAULT;
COMMENT ON COLUMN streams.projected_by IS 'The version of the normalizer that all its interactions are of, or newer.';
COMMENT ON COLUMN streams.reprojected_to IS
    'How far rebuilding its interactions has come, as a source id; NULL when none is under way, or none has begun.';
COMMENT ON COLUMN streams.reprojection IS
    'What rebuilding them last changed, or has changed so far, in numbers: rows looked at, added, removed, changed, and by field.';

-- Serves the scheduler's question: whose rows are of an older normalizer?
CREATE INDEX streams_projected_by ON streams (projected_by);

-- The scheduler sees which normalizer a stream's rows are of, and nothing of what it is.
ALTER POLICY streams_own ON streams TO omnisync_api, omnisync_worker;
CREATE POLICY streams_projected ON streams FOR SELECT TO omnisync_scheduler USING (true);
GRANT SELECT (user_id, stream_id, projected_by) ON streams TO omnisync_scheduler;
