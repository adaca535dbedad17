-- Answers "why is this mail not here?" by what a mail or meeting is called everywhere (Message-ID, iCalUID), also where the
-- consent keeps it out and nothing of it may be kept. The hash takes the person's data key: without it, it names nothing,
-- cannot be guessed at, and differs from person to person for the same mail. So it may stay when an undo has taken the item
-- away, as its outcome does, and destroying the key leaves it without meaning.
--
-- Items that were there before have none until they are fetched again: there has been no release whose data would need it.
ALTER TABLE items ADD COLUMN universal_hash bytea;
ALTER TABLE items ADD CONSTRAINT items_universal_hash_is_sha256 CHECK (octet_length(universal_hash) = 32);
COMMENT ON COLUMN items.universal_hash IS
    'HMAC-SHA-256, under a key derived from the person''s data key, of the Message-ID or iCalUID it came with; NULL where none came.';
-- Serves the question what became of an item of that name.
CREATE INDEX items_universal_hash ON items (user_id, universal_hash) WHERE universal_hash IS NOT NULL;
