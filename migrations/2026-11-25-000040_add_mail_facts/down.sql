ALTER TABLE interactions
    DROP CONSTRAINT interactions_category_is_of_mail,
    DROP CONSTRAINT interactions_category_known,
    DROP COLUMN details,
    DROP COLUMN sent_at,
    DROP COLUMN category,
    DROP COLUMN reply_text;
COMMENT ON COLUMN interactions.attachments IS 'Files that came with it: name, type, size, inline. Never their content.';
