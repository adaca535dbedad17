-- Rows of before say nothing here until they are projected again.
ALTER TABLE interactions
    ADD COLUMN reply_text text,
    ADD COLUMN category text,
    ADD COLUMN sent_at timestamptz,
    ADD COLUMN details jsonb NOT NULL DEFAULT '{}',
    ADD CONSTRAINT interactions_category_known CHECK (
        category IN ('personal', 'list', 'invitation', 'bulk', 'notification', 'auto_reply', 'bounce')
    ),
    ADD CONSTRAINT interactions_category_is_of_mail CHECK (category IS NULL OR kind = 'email');
COMMENT ON COLUMN interactions.reply_text IS 'The author''s own words in the text; NULL where they are all of it.';
COMMENT ON COLUMN interactions.category IS 'What kind of mail it is, by its headers; NULL for a meeting.';
COMMENT ON COLUMN interactions.sent_at IS 'When a mail says it was sent: its Date header.';
COMMENT ON COLUMN interactions.details IS 'What else is known of it: list, protection, invitation, failed recipients, facts of a meeting, what could not be read.';
COMMENT ON COLUMN interactions.attachments IS 'Files that came with it: name, type, size, inline, content id, part. Never their content.';
