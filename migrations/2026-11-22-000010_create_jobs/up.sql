CREATE TABLE jobs (
    user_id uuid NOT NULL,
    job_id uuid NOT NULL,
    kind text NOT NULL,
    batch_id uuid NOT NULL,
    stream_id uuid,
    state text NOT NULL DEFAULT 'queued',
    attempt integer NOT NULL DEFAULT 0,
    generation integer NOT NULL DEFAULT 0,
    signal bigint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL DEFAULT now(),
    lease_owner text,
    lease_until timestamptz,
    checkpoint jsonb NOT NULL DEFAULT '{}',
    listed boolean NOT NULL DEFAULT false,
    error_class text,
    error text,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    PRIMARY KEY (user_id, job_id),
    FOREIGN KEY (user_id, batch_id) REFERENCES batches,
    CONSTRAINT jobs_kind_known CHECK (
        kind IN ('google_gmail_sync', 'google_calendar_sync', 'normalize_google_email', 'normalize_google_event', 'undo')
    ),
    CONSTRAINT jobs_state_known CHECK (state IN ('queued', 'running', 'waiting', 'paused', 'succeeded', 'dead', 'cancelled', 'discarded')),
    CONSTRAINT jobs_stream_iff_sync CHECK ((stream_id IS NOT NULL) = (kind IN ('google_gmail_sync', 'google_calendar_sync'))),
    CONSTRAINT jobs_lease_iff_running CHECK (
        (state = 'running') = (lease_until IS NOT NULL) AND (lease_owner IS NULL) = (lease_until IS NULL)
    ),
    CONSTRAINT jobs_finished_iff_over CHECK ((finished_at IS NOT NULL) = (state IN ('succeeded', 'dead', 'cancelled', 'discarded'))),
    CONSTRAINT jobs_error_said_when_dead CHECK (state <> 'dead' OR (error IS NOT NULL AND error_class IS NOT NULL))
);
COMMENT ON TABLE jobs IS 'The truth behind the queue: a message in Redis only says which row to look at.';
COMMENT ON COLUMN jobs.user_id IS 'For whom the job works.';
COMMENT ON COLUMN jobs.job_id IS 'The job''s id.';
COMMENT ON COLUMN jobs.kind IS 'What it does; each kind has a queue of its own.';
COMMENT ON COLUMN jobs.batch_id IS 'The batch it belongs to.';
COMMENT ON COLUMN jobs.stream_id IS 'The stream a sync job reads.';
COMMENT ON COLUMN jobs.state IS 'Where it stands.';
COMMENT ON COLUMN jobs.attempt IS 'Claims since the last slice that ended well; counted at the claim, so that a crash counts.';
COMMENT ON COLUMN jobs.generation IS 'Raised by every claim; a worker names it in every write, so that one whose lease was taken over can write nothing.';
COMMENT ON COLUMN jobs.signal IS 'Raised by another job that made work for this one.';
COMMENT ON COLUMN jobs.run_at IS 'Not to be claimed before this.';
COMMENT ON COLUMN jobs.lease_owner IS 'The worker that holds it.';
COMMENT ON COLUMN jobs.lease_until IS 'When the claim runs out unless renewed, by the database''s clock.';
COMMENT ON COLUMN jobs.checkpoint IS 'Where the next slice goes on: phase, page token, place in the listing. No content.';
COMMENT ON COLUMN jobs.listed IS 'Whether a sync job has named everything there is to fetch.';
COMMENT ON COLUMN jobs.error_class IS 'The class of the last failure, in one word.';
COMMENT ON COLUMN jobs.error IS 'The last failure in words; no content.';
COMMENT ON COLUMN jobs.created_at IS 'When it was made.';
COMMENT ON COLUMN jobs.finished_at IS 'When it ended.';
-- One stream is worked by one worker at a time, whatever batch sends it.
CREATE UNIQUE INDEX jobs_one_running_per_stream ON jobs (user_id, stream_id) WHERE state = 'running' AND stream_id IS NOT NULL;
-- Serves the batch's own view of its jobs.
CREATE INDEX jobs_batch ON jobs (user_id, batch_id);
-- Serves the sweep: due and unclaimed, or claimed by a worker that is no more.
CREATE INDEX jobs_due ON jobs (run_at) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';

ALTER TABLE jobs ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs FORCE ROW LEVEL SECURITY;
CREATE POLICY jobs_own ON jobs TO omnisync_api, omnisync_worker
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
-- The scheduler sees which jobs of which users are due, and nothing of what they do.
CREATE POLICY jobs_schedule ON jobs FOR SELECT TO omnisync_scheduler USING (true);
GRANT SELECT, INSERT, UPDATE ON jobs TO omnisync_api, omnisync_worker;
GRANT SELECT (user_id, job_id, kind, state, run_at, lease_until) ON jobs TO omnisync_scheduler;
