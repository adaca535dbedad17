-- The roles stay: they belong to the cluster, where another database may use them.
DROP POLICY interactions_search ON interactions;
REVOKE SELECT ON interactions FROM omnisync_search;
REVOKE USAGE ON SCHEMA public FROM omnisync_search;
DROP INDEX interactions_search;
ALTER TABLE interactions DROP COLUMN search;
DROP SCHEMA search CASCADE;
