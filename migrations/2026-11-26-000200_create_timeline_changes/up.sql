-- What has changed on a timeline since any moment of the last days, for whoever keeps a copy of it. A row says where an
-- interaction last changed, not how: what it is now, the interaction itself says.
CREATE TABLE timelines (
    user_id uuid NOT NULL PRIMARY KEY,
    position bigint NOT NULL,
    forgotten_to bigint NOT NULL DEFAULT 0,
    followed_until timestamptz,
    purge_at timestamptz,
    CONSTRAINT timelines_forgets_the_past CHECK (forgotten_to BETWEEN 0 AND position)
);
COMMENT ON TABLE timelines IS 'How far each person''s timeline has come. Whoever changes a timeline holds its row until the commit.';
COMMENT ON COLUMN timelines.user_id IS 'Whose timeline it is.';
COMMENT ON COLUMN timelines.position IS 'The position of the last transaction that changed it. Positions are in the order of the commits.';
COMMENT ON COLUMN timelines.forgotten_to IS 'Changes up to this position may not be known: who was here last cannot go on from there.';
COMMENT ON COLUMN timelines.followed_until IS 'Until when changes are noted, because somebody has asked where they begin; NULL when nobody ever has.';
COMMENT ON COLUMN timelines.purge_at IS 'When the oldest of its changes may be forgotten; NULL when there is none.';
-- Serves the scheduler's question: whose changes can be forgotten?
CREATE INDEX timelines_due ON timelines (purge_at) WHERE purge_at IS NOT NULL;

CREATE TABLE timeline_changes (
    user_id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    position bigint NOT NULL,
    added_at_position bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, interaction_id),
    CONSTRAINT timeline_changes_added_before_changed CHECK (added_at_position BETWEEN 0 AND position)
);
COMMENT ON TABLE timeline_changes IS
    'Where each interaction last changed, of the last days, for whoever follows. One that is no interaction any more was removed there.';
COMMENT ON COLUMN timeline_changes.user_id IS 'Whose timeline it is.';
COMMENT ON COLUMN timeline_changes.interaction_id IS 'What was changed, or may look otherwise because a copy of it was.';
COMMENT ON COLUMN timeline_changes.position IS 'Where it last changed.';
COMMENT ON COLUMN timeline_changes.added_at_position IS 'Where it was first added, of the changes that are known; 0 when that was before.';
COMMENT ON COLUMN timeline_changes.changed_at IS 'When it last changed.';
-- Serves those who ask what has changed since.
CREATE INDEX timeline_changes_since ON timeline_changes (user_id, position, interaction_id);

DO $$
DECLARE
    held text;
BEGIN
    FOREACH held IN ARRAY ARRAY['timelines', 'timeline_changes'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', held);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', held);
        EXECUTE format(
            'CREATE POLICY %I ON %I TO omnisync_api, omnisync_worker
                USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()))',
            held || '_own', held);
    END LOOP;
END
$$;
GRANT SELECT ON timelines, timeline_changes TO omnisync_api;
GRANT INSERT (user_id, position, followed_until), UPDATE (followed_until) ON timelines TO omnisync_api;
GRANT SELECT, INSERT, UPDATE ON timelines TO omnisync_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON timeline_changes TO omnisync_worker;
-- The scheduler sees whose changes can be forgotten, and nothing of what they are.
CREATE POLICY timelines_due ON timelines FOR SELECT TO omnisync_scheduler USING (purge_at <= now());
GRANT SELECT (user_id, purge_at) ON timelines TO omnisync_scheduler;
