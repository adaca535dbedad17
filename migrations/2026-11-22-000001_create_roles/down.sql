-- The roles stay: they belong to the cluster, where another database may use them.
DROP FUNCTION app_user_id();
REVOKE USAGE ON SCHEMA public FROM omnisync_api, omnisync_worker, omnisync_scheduler;
DO $$
BEGIN
    IF to_regclass('__diesel_schema_migrations') IS NOT NULL THEN
        REVOKE SELECT ON __diesel_schema_migrations FROM omnisync_api, omnisync_worker, omnisync_scheduler;
    END IF;
END
$$;
