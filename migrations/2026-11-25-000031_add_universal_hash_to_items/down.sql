DROP INDEX items_universal_hash;
ALTER TABLE items DROP CONSTRAINT items_universal_hash_is_sha256;
ALTER TABLE items DROP COLUMN universal_hash;
