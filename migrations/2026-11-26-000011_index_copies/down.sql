DROP INDEX interactions_about;
ALTER TABLE interactions DROP COLUMN about;
DROP INDEX interactions_universal;
