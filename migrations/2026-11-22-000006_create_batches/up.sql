CREATE TABLE batches (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    account_id uuid NOT NULL,
    preview_id uuid NOT NULL,
    origin text NOT NULL,
    state text NOT NULL DEFAULT 'queued',
    generation integer NOT NULL DEFAULT 1,
    seq bigint NOT NULL DEFAULT 1,
    idempotency_key text,
    exclusions jsonb NOT NULL DEFAULT '{}',
    n_listed bigint NOT NULL DEFAULT 0,
    n_stored bigint NOT NULL DEFAULT 0,
    n_unchanged bigint NOT NULL DEFAULT 0,
    n_filtered bigint NOT NULL DEFAULT 0,
    n_failed bigint NOT NULL DEFAULT 0,
    n_gone bigint NOT NULL DEFAULT 0,
    n_normalized bigint NOT NULL DEFAULT 0,
    n_removed bigint NOT NULL DEFAULT 0,
    n_restored bigint NOT NULL DEFAULT 0,
    listing_done boolean NOT NULL DEFAULT false,
    throttled_until timestamptz,
    deletions_allowed boolean NOT NULL DEFAULT false,
    error_class text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    finished_at timestamptz,
    undone_at timestamptz,
    PRIMARY KEY (user_id, batch_id),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts,
    FOREIGN KEY (user_id, preview_id) REFERENCES previews,
    CONSTRAINT batches_origin_known CHECK (origin IN ('approve', 'sync', 'audit')),
    CONSTRAINT batches_state_known CHECK (
        state IN ('queued', 'running', 'paused', 'succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone')
    ),
    CONSTRAINT batches_started_once_running CHECK (state NOT IN ('running', 'succeeded', 'partial') OR started_at IS NOT NULL),
    CONSTRAINT batches_finished_iff_over CHECK (
        (finished_at IS NOT NULL) = (state IN ('succeeded', 'partial', 'failed', 'cancelled', 'undoing', 'undone'))
    ),
    CONSTRAINT batches_undone_at_iff_undone CHECK ((undone_at IS NOT NULL) = (state = 'undone')),
    CONSTRAINT batches_error_said_when_failed CHECK (state <> 'failed' OR error IS NOT NULL)
);
COMMENT ON TABLE batches IS 'What one approve, or one later run under the same consent, brought in: the unit of progress and of undo.';
COMMENT ON COLUMN batches.user_id IS 'Whose batch it is.';
COMMENT ON COLUMN batches.batch_id IS 'The batch''s id.';
COMMENT ON COLUMN batches.account_id IS 'The account it reads.';
COMMENT ON COLUMN batches.preview_id IS 'The consent it runs under.';
COMMENT ON COLUMN batches.origin IS 'approve: a person approved a preview; sync: a later run under that consent; audit: one that lists everything anew.';
COMMENT ON COLUMN batches.state IS 'Where it stands.';
COMMENT ON COLUMN batches.generation IS 'Raised by undo and cancel before anything else; a worker that holds an older one can write nothing more.';
COMMENT ON COLUMN batches.seq IS 'Raised by every visible change, so that a subscriber can tell new from old.';
COMMENT ON COLUMN batches.idempotency_key IS 'The caller''s key: the same key approves once.';
COMMENT ON COLUMN batches.exclusions IS 'Senders and domains left out at approval; they narrow the preview''s snapshot.';
COMMENT ON COLUMN batches.n_listed IS 'Ids the provider named.';
COMMENT ON COLUMN batches.n_stored IS 'Items stored in a version not seen before.';
COMMENT ON COLUMN batches.n_unchanged IS 'Items already stored in this version.';
COMMENT ON COLUMN batches.n_filtered IS 'Items the consent keeps out.';
COMMENT ON COLUMN batches.n_failed IS 'Items that could not be fetched or read.';
COMMENT ON COLUMN batches.n_gone IS 'Items no longer at the provider.';
COMMENT ON COLUMN batches.n_normalized IS 'Stored items whose interactions are up to date.';
COMMENT ON COLUMN batches.n_removed IS 'Items an undo has taken away.';
COMMENT ON COLUMN batches.n_restored IS 'Items an undo has set back to the version before this batch.';
COMMENT ON COLUMN batches.listing_done IS 'Whether n_listed is final.';
COMMENT ON COLUMN batches.throttled_until IS 'Until when the provider or the budget makes the batch wait.';
COMMENT ON COLUMN batches.deletions_allowed IS 'Whether the person was asked about many deletions at once, and let them happen.';
COMMENT ON COLUMN batches.error_class IS 'The class of what went wrong, in one word.';
COMMENT ON COLUMN batches.error IS 'What went wrong and what to do, fit to show.';
COMMENT ON COLUMN batches.created_at IS 'When it was approved or asked for.';
COMMENT ON COLUMN batches.started_at IS 'When a worker first took it up.';
COMMENT ON COLUMN batches.finished_at IS 'When fetching and normalizing ended.';
COMMENT ON COLUMN batches.undone_at IS 'When undo ended.';
-- The same key approves once; one preview is approved once.
CREATE UNIQUE INDEX batches_unique_idempotency_key ON batches (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE UNIQUE INDEX batches_one_approval_per_preview ON batches (user_id, preview_id) WHERE origin = 'approve';
-- Two runs over one account would hydrate each other's listings; the second waits its turn.
CREATE UNIQUE INDEX batches_one_live_per_account ON batches (user_id, account_id) WHERE state IN ('queued', 'running', 'paused');
-- Serves the list of batches, newest first.
CREATE INDEX batches_newest ON batches (user_id, created_at DESC, batch_id DESC);

ALTER TABLE batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE batches FORCE ROW LEVEL SECURITY;
CREATE POLICY batches_own ON batches
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, UPDATE ON batches TO omnisync_api;
GRANT SELECT, UPDATE ON batches TO omnisync_worker;
