ALTER TABLE sync_preferences
    ADD COLUMN contact_policy text NOT NULL DEFAULT 'sent',
    ADD CONSTRAINT sync_preferences_contact_policy_known CHECK (contact_policy IN ('none', 'sent', 'all'));
COMMENT ON TABLE sync_preferences IS 'What a person''s next preview starts from, and who is a contact of theirs. A running batch never reads it.';
COMMENT ON COLUMN sync_preferences.contact_policy IS
    'Who is a contact: none: nobody; sent: whom the person wrote to or decided about; all: whom they met or heard from, too. It is applied when contacts are read.';
