COMMENT ON TABLE sync_preferences IS 'What a person''s next preview starts from. A running batch never reads it.';
ALTER TABLE sync_preferences DROP COLUMN contact_policy;
