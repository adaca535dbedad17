CREATE TABLE accounts (
    user_id uuid NOT NULL REFERENCES users,
    account_id uuid NOT NULL,
    provider text NOT NULL,
    subject text NOT NULL,
    email text NOT NULL,
    scopes text[] NOT NULL,
    state text NOT NULL DEFAULT 'active',
    state_reason text,
    access_token bytea,
    refresh_token bytea,
    access_expires_at timestamptz,
    linked_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, account_id),
    CONSTRAINT accounts_unique_per_subject UNIQUE (user_id, provider, subject),
    CONSTRAINT accounts_provider_known CHECK (provider IN ('google')),
    CONSTRAINT accounts_state_known CHECK (state IN ('active', 'needs_reauth', 'needs_scope', 'blocked', 'disconnected')),
    CONSTRAINT accounts_tokens_iff_linked CHECK ((state = 'disconnected') = (access_token IS NULL))
);
COMMENT ON TABLE accounts IS 'Linked identities at a provider. Linking the same identity again keeps the row and its id.';
COMMENT ON COLUMN accounts.user_id IS 'Whose account it is.';
COMMENT ON COLUMN accounts.account_id IS 'The account''s id here.';
COMMENT ON COLUMN accounts.provider IS 'The company: google.';
COMMENT ON COLUMN accounts.subject IS 'The account''s permanent id at the provider (OpenID sub).';
COMMENT ON COLUMN accounts.email IS 'The address people know the account by; may change.';
COMMENT ON COLUMN accounts.scopes IS 'The OAuth scopes the person granted.';
COMMENT ON COLUMN accounts.state IS 'Whether the account can be used, and if not, why.';
COMMENT ON COLUMN accounts.state_reason IS 'What made it unusable, in words fit to show.';
COMMENT ON COLUMN accounts.access_token IS 'Sealed with the person''s data key, bound to user, account and column.';
COMMENT ON COLUMN accounts.refresh_token IS 'Sealed as access_token; NULL when the provider never gave one.';
COMMENT ON COLUMN accounts.access_expires_at IS 'When the access token stops working.';
COMMENT ON COLUMN accounts.linked_at IS 'When the person last consented.';
COMMENT ON COLUMN accounts.updated_at IS 'When the row last changed.';

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY accounts_own ON accounts
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, UPDATE ON accounts TO omnisync_api;
GRANT SELECT, UPDATE ON accounts TO omnisync_worker;

CREATE TABLE connect_attempts (
    user_id uuid NOT NULL REFERENCES users,
    attempt_id uuid NOT NULL,
    provider text NOT NULL,
    services text[] NOT NULL,
    nonce text NOT NULL,
    verifier bytea NOT NULL,
    browser_hash bytea,
    return_to text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    consumed_at timestamptz,
    PRIMARY KEY (user_id, attempt_id)
);
COMMENT ON TABLE connect_attempts IS 'One row for each time a person was sent to a provider; usable once, for ten minutes.';
COMMENT ON COLUMN connect_attempts.user_id IS 'Who asked for the link.';
COMMENT ON COLUMN connect_attempts.attempt_id IS 'Named, sealed, in the OAuth state parameter.';
COMMENT ON COLUMN connect_attempts.provider IS 'The company they were sent to.';
COMMENT ON COLUMN connect_attempts.services IS 'The services they asked for.';
COMMENT ON COLUMN connect_attempts.nonce IS 'The value the identity token must carry.';
COMMENT ON COLUMN connect_attempts.verifier IS 'The PKCE verifier, sealed with the person''s data key.';
COMMENT ON COLUMN connect_attempts.browser_hash IS 'SHA-256 of the cookie that the browser which asked was given; only that browser may finish. NULL: the application finishes, with a code and its own sign-in.';
COMMENT ON COLUMN connect_attempts.return_to IS 'Where the browser goes afterwards; from the allow-list.';
COMMENT ON COLUMN connect_attempts.created_at IS 'When the attempt began.';
COMMENT ON COLUMN connect_attempts.expires_at IS 'After this it is refused.';
COMMENT ON COLUMN connect_attempts.consumed_at IS 'When the callback used it up; it never works again.';

ALTER TABLE connect_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE connect_attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY connect_attempts_own ON connect_attempts
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT, UPDATE, DELETE ON connect_attempts TO omnisync_api;
