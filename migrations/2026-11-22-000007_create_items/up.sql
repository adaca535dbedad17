-- These tables take thousands of rows a second, always through a batch and a stream that the same transaction has checked,
-- so they carry no foreign keys: a check per row would cost more than the row.
CREATE TABLE items (
    user_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    source_id text NOT NULL,
    batch_id uuid NOT NULL,
    outcome text NOT NULL,
    reason text,
    group_key text,
    version bigint,
    ordinal bigint NOT NULL DEFAULT 0,
    attempts smallint NOT NULL DEFAULT 0,
    next_try_at timestamptz,
    to_project boolean NOT NULL DEFAULT false,
    listed_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, stream_id, source_id),
    CONSTRAINT items_outcome_known CHECK (outcome IN ('pending', 'stored', 'filtered', 'failed', 'gone', 'undone')),
    CONSTRAINT items_reason_said CHECK (outcome NOT IN ('filtered', 'failed') OR reason IS NOT NULL),
    CONSTRAINT items_version_once_stored CHECK (outcome <> 'stored' OR (version IS NOT NULL AND group_key IS NOT NULL))
);
COMMENT ON TABLE items IS 'The ledger: every provider id ever seen in a stream, with what became of it.';
COMMENT ON COLUMN items.user_id IS 'Whose item it is.';
COMMENT ON COLUMN items.stream_id IS 'The stream it was seen in.';
COMMENT ON COLUMN items.source_id IS 'The provider''s id.';
COMMENT ON COLUMN items.batch_id IS 'The batch that last touched it.';
COMMENT ON COLUMN items.outcome IS 'What became of it; undone is also what keeps a later sync from bringing it back.';
COMMENT ON COLUMN items.reason IS 'Which rule filtered it, or why it failed.';
COMMENT ON COLUMN items.group_key IS 'Items normalized together share it: a mail''s own id, the id of a meeting''s series.';
COMMENT ON COLUMN items.version IS 'The newest version known.';
COMMENT ON COLUMN items.ordinal IS 'Its place in the listing; lower is fetched first.';
COMMENT ON COLUMN items.attempts IS 'Failed tries so far.';
COMMENT ON COLUMN items.next_try_at IS 'Not to be tried before this.';
COMMENT ON COLUMN items.to_project IS 'Whether its interactions are older than its raw events.';
COMMENT ON COLUMN items.listed_at IS 'When it was first seen.';
COMMENT ON COLUMN items.updated_at IS 'When its outcome last changed.';
-- Serves the choice of what to fetch next.
CREATE INDEX items_pending ON items (user_id, stream_id, ordinal) WHERE outcome = 'pending';
-- Serves the choice of what to normalize next.
CREATE INDEX items_to_project ON items (user_id, stream_id) WHERE to_project;
-- Serves the projection of a series of meetings; a mail is its own group.
CREATE INDEX items_groups ON items (user_id, stream_id, group_key) WHERE group_key IS DISTINCT FROM source_id;

ALTER TABLE items ENABLE ROW LEVEL SECURITY;
ALTER TABLE items FORCE ROW LEVEL SECURITY;
CREATE POLICY items_own ON items
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT ON items TO omnisync_api;
GRANT SELECT, INSERT, UPDATE ON items TO omnisync_worker;

CREATE TABLE batch_items (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    source_id text NOT NULL,
    outcome text NOT NULL,
    version bigint,
    PRIMARY KEY (user_id, batch_id, stream_id, source_id),
    CONSTRAINT batch_items_outcome_known CHECK (outcome IN ('stored', 'unchanged', 'filtered', 'failed', 'gone')),
    CONSTRAINT batch_items_version_known CHECK (outcome NOT IN ('stored', 'unchanged') OR version IS NOT NULL)
);
COMMENT ON TABLE batch_items IS
    'What each batch did to each item. A version of an item stays as long as one batch that brought or confirmed it stays.';
COMMENT ON COLUMN batch_items.user_id IS 'Whose row it is.';
COMMENT ON COLUMN batch_items.batch_id IS 'The batch.';
COMMENT ON COLUMN batch_items.stream_id IS 'The item''s stream.';
COMMENT ON COLUMN batch_items.source_id IS 'The item''s id at the provider.';
COMMENT ON COLUMN batch_items.outcome IS 'What the batch found.';
COMMENT ON COLUMN batch_items.version IS 'The version it found.';
-- Serves undo: does another batch hold this version too?
CREATE INDEX batch_items_holders ON batch_items (user_id, stream_id, source_id, version);

ALTER TABLE batch_items ENABLE ROW LEVEL SECURITY;
ALTER TABLE batch_items FORCE ROW LEVEL SECURITY;
CREATE POLICY batch_items_own ON batch_items
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT ON batch_items TO omnisync_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON batch_items TO omnisync_worker;
