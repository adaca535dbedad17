CREATE TABLE streams (
    user_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    account_id uuid NOT NULL,
    service text NOT NULL,
    collection_id text NOT NULL,
    name text NOT NULL,
    time_zone text,
    preview_id uuid,
    window_from timestamptz,
    window_to timestamptz,
    cursor text,
    listed boolean NOT NULL DEFAULT false,
    completed_at timestamptz,
    audited_at timestamptz,
    n_audited bigint,
    n_gaps bigint,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, stream_id),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts,
    FOREIGN KEY (user_id, preview_id) REFERENCES previews,
    CONSTRAINT streams_unique_per_collection UNIQUE (user_id, account_id, service, collection_id),
    CONSTRAINT streams_service_known CHECK (service IN ('gmail', 'calendar')),
    CONSTRAINT streams_window_iff_calendar CHECK (
        (service = 'calendar') = (window_from IS NOT NULL) AND (service = 'calendar') = (window_to IS NOT NULL)
    ),
    CONSTRAINT streams_audit_whole CHECK (
        (audited_at IS NULL) = (n_audited IS NULL) AND (audited_at IS NULL) = (n_gaps IS NULL) AND n_gaps <= n_audited
    ),
    CONSTRAINT streams_cursor_only_under_consent CHECK (cursor IS NULL OR preview_id IS NOT NULL)
);
COMMENT ON TABLE streams IS 'One cursor''s worth of a service: a mailbox, or one calendar.';
COMMENT ON COLUMN streams.user_id IS 'Whose stream it is.';
COMMENT ON COLUMN streams.stream_id IS 'The stream''s id.';
COMMENT ON COLUMN streams.account_id IS 'The account it reads.';
COMMENT ON COLUMN streams.service IS 'gmail or calendar.';
COMMENT ON COLUMN streams.collection_id IS 'The provider''s id: mailbox, or the calendar''s id.';
COMMENT ON COLUMN streams.name IS 'The name people know the collection by.';
COMMENT ON COLUMN streams.time_zone IS 'A calendar''s IANA time zone.';
COMMENT ON COLUMN streams.preview_id IS 'The consent in force; NULL when it was taken back, and then nothing is fetched.';
COMMENT ON COLUMN streams.window_from IS 'Occurrences of meetings that end after this are shown.';
COMMENT ON COLUMN streams.window_to IS 'Occurrences of meetings that start before this are shown.';
COMMENT ON COLUMN streams.cursor IS
    'The provider''s position to continue from; moves only in the transaction that puts what it passes into items. NULL: list anew, and look after what the listing misses.';
COMMENT ON COLUMN streams.listed IS
    'Whether everything inside the consent has been listed. Until then a run lists, even where there is a cursor from before.';
COMMENT ON COLUMN streams.completed_at IS 'When a run last left nothing to fetch.';
COMMENT ON COLUMN streams.audited_at IS 'When everything was last listed anew and compared with the ledger.';
COMMENT ON COLUMN streams.n_audited IS 'How many ids that listing named.';
COMMENT ON COLUMN streams.n_gaps IS 'How many of them the ledger did not know; they were fetched then.';
COMMENT ON COLUMN streams.created_at IS 'When the stream was first consented to.';

ALTER TABLE streams ENABLE ROW LEVEL SECURITY;
ALTER TABLE streams FORCE ROW LEVEL SECURITY;
CREATE POLICY streams_own ON streams
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, UPDATE ON streams TO omnisync_api, omnisync_worker;
