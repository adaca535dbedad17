CREATE TABLE sync_audit (
    user_id uuid NOT NULL,
    audit_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    action text NOT NULL,
    outcome text NOT NULL,
    actor text NOT NULL,
    account_id uuid,
    preview_id uuid,
    batch_id uuid,
    request_id text,
    client text,
    counts jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (user_id, audit_id),
    CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'preferences', 'disconnect')
    ),
    CONSTRAINT sync_audit_outcome_known CHECK (outcome IN ('started', 'succeeded', 'partial', 'failed', 'cancelled', 'refused')),
    CONSTRAINT sync_audit_actor_known CHECK (actor IN ('user', 'worker'))
);
COMMENT ON TABLE sync_audit IS 'Who did what to which batch, when, from which client, with which outcome. Inserted and read only; no content.';
COMMENT ON COLUMN sync_audit.user_id IS 'Whose data was concerned.';
COMMENT ON COLUMN sync_audit.audit_id IS 'The entry''s id.';
COMMENT ON COLUMN sync_audit.at IS 'When.';
COMMENT ON COLUMN sync_audit.action IS 'What was done.';
COMMENT ON COLUMN sync_audit.outcome IS 'How it went.';
COMMENT ON COLUMN sync_audit.actor IS 'The person, or a worker on their behalf.';
COMMENT ON COLUMN sync_audit.account_id IS 'The account concerned.';
COMMENT ON COLUMN sync_audit.preview_id IS 'The preview concerned.';
COMMENT ON COLUMN sync_audit.batch_id IS 'The batch concerned.';
COMMENT ON COLUMN sync_audit.request_id IS 'The request it came with.';
COMMENT ON COLUMN sync_audit.client IS 'The client''s own name of itself, cut to 200 characters.';
COMMENT ON COLUMN sync_audit.counts IS 'Numbers that belong to it, by name.';
-- Serves the audit's pages, newest first.
CREATE INDEX sync_audit_newest ON sync_audit (user_id, at DESC, audit_id DESC);

ALTER TABLE sync_audit ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_audit FORCE ROW LEVEL SECURITY;
CREATE POLICY sync_audit_own ON sync_audit
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT ON sync_audit TO omnisync_api;
GRANT INSERT ON sync_audit TO omnisync_worker;
