CREATE TABLE sync_preferences (
    user_id uuid PRIMARY KEY REFERENCES users,
    gmail_query text NOT NULL,
    mail_days_back integer NOT NULL,
    calendar_days_back integer NOT NULL,
    calendar_days_ahead integer NOT NULL,
    private_events boolean NOT NULL,
    excluded_senders text[] NOT NULL,
    excluded_domains text[] NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT sync_preferences_windows_in_bounds CHECK (
        mail_days_back BETWEEN 1 AND 36500
        AND calendar_days_back BETWEEN 0 AND 3650
        AND calendar_days_ahead BETWEEN 0 AND 3650
    )
);
COMMENT ON TABLE sync_preferences IS 'What a person''s next preview starts from. A running batch never reads it.';
COMMENT ON COLUMN sync_preferences.user_id IS 'Whose preferences they are.';
COMMENT ON COLUMN sync_preferences.gmail_query IS 'A query in the supported part of Gmail''s grammar.';
COMMENT ON COLUMN sync_preferences.mail_days_back IS 'How many days of mail to look back.';
COMMENT ON COLUMN sync_preferences.calendar_days_back IS 'How many days of meetings to look back.';
COMMENT ON COLUMN sync_preferences.calendar_days_ahead IS 'How many days of meetings to look ahead.';
COMMENT ON COLUMN sync_preferences.private_events IS 'Whether private events may come in.';
COMMENT ON COLUMN sync_preferences.excluded_senders IS 'Addresses that stay out, lower case.';
COMMENT ON COLUMN sync_preferences.excluded_domains IS 'Domains that stay out with their subdomains, lower case.';
COMMENT ON COLUMN sync_preferences.updated_at IS 'When they last changed.';

ALTER TABLE sync_preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE sync_preferences FORCE ROW LEVEL SECURITY;
CREATE POLICY sync_preferences_own ON sync_preferences
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, UPDATE ON sync_preferences TO omnisync_api;

CREATE TABLE previews (
    user_id uuid NOT NULL,
    preview_id uuid NOT NULL,
    account_id uuid NOT NULL,
    snapshot jsonb NOT NULL,
    hash text NOT NULL,
    facts jsonb NOT NULL,
    samples bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, preview_id),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts
);
COMMENT ON TABLE previews IS 'What a sync would bring in, as it was shown: the consent snapshot that approve makes binding.';
COMMENT ON COLUMN previews.user_id IS 'Who asked.';
COMMENT ON COLUMN previews.preview_id IS 'The preview''s id.';
COMMENT ON COLUMN previews.account_id IS 'The account it would read.';
COMMENT ON COLUMN previews.snapshot IS 'Filters, calendars, window and exclusions, exactly as fetching will use them.';
COMMENT ON COLUMN previews.hash IS 'Hex SHA-256 of the snapshot.';
COMMENT ON COLUMN previews.facts IS 'Counts and estimates that were shown; no content.';
COMMENT ON COLUMN previews.samples IS 'The samples and senders that were shown, sealed with the person''s data key; NULL once they have expired.';
COMMENT ON COLUMN previews.created_at IS 'When it was made.';
COMMENT ON COLUMN previews.expires_at IS 'After this it cannot be approved.';
-- Serves the sweep that forgets expired samples.
CREATE INDEX previews_samples_to_forget ON previews (expires_at) WHERE samples IS NOT NULL;

ALTER TABLE previews ENABLE ROW LEVEL SECURITY;
ALTER TABLE previews FORCE ROW LEVEL SECURITY;
CREATE POLICY previews_own ON previews TO omnisync_api, omnisync_worker
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
-- The scheduler forgets expired samples for everyone, once each; it can neither read a sample, nor write one, nor see anything
-- else of a preview.
CREATE POLICY previews_expired ON previews FOR SELECT TO omnisync_scheduler USING (expires_at < now());
CREATE POLICY previews_forget ON previews FOR UPDATE TO omnisync_scheduler
    USING (expires_at < now() AND samples IS NOT NULL) WITH CHECK (samples IS NULL);
GRANT SELECT, INSERT ON previews TO omnisync_api;
GRANT SELECT ON previews TO omnisync_worker;
GRANT SELECT (expires_at), UPDATE (samples) ON previews TO omnisync_scheduler;
