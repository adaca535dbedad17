CREATE TABLE users (
    user_id uuid PRIMARY KEY,
    data_key bytea NOT NULL,
    wrapping_key_id text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE users IS 'The people whose data is kept, each with a data key of their own.';
COMMENT ON COLUMN users.user_id IS 'A function of the issuer and subject of the person''s token.';
COMMENT ON COLUMN users.data_key IS
    'The key that seals this person''s tokens and raw events, itself sealed by a wrapping key. Destroying it erases them, backups included.';
COMMENT ON COLUMN users.wrapping_key_id IS 'Which wrapping key sealed data_key.';
COMMENT ON COLUMN users.created_at IS 'When the person first came.';

ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE users FORCE ROW LEVEL SECURITY;
CREATE POLICY users_own ON users
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT, INSERT ON users TO omnisync_api;
GRANT SELECT ON users TO omnisync_worker;
