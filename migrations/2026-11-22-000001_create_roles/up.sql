-- The roles the program runs as. None owns a table, none has BYPASSRLS; what each may do is granted table by table beside
-- the table, so that a grant is read where it matters. Roles belong to the cluster, so another database may already have them.
DO $$
DECLARE
    role text;
BEGIN
    FOREACH role IN ARRAY ARRAY['omnisync_api', 'omnisync_worker', 'omnisync_scheduler'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', role);
        END IF;
    END LOOP;
END
$$;

-- A run-time role can make nothing of its own, here or in temporary schemas.
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
END
$$;
GRANT USAGE ON SCHEMA public TO omnisync_api, omnisync_worker, omnisync_scheduler;

-- The tenant of the running transaction. After a transaction that set it, a pooled connection reads '' instead of NULL,
-- hence nullif.
CREATE FUNCTION app_user_id() RETURNS uuid
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT nullif(current_setting('app.user_id', true), '')::uuid $$;
COMMENT ON FUNCTION app_user_id() IS
    'The user whose rows the running transaction may touch, from the setting app.user_id; NULL when none is set.';

-- Lets a server say at its start that a migration is missing.
DO $$
BEGIN
    IF to_regclass('__diesel_schema_migrations') IS NOT NULL THEN
        GRANT SELECT ON __diesel_schema_migrations TO omnisync_api, omnisync_worker, omnisync_scheduler;
    END IF;
END
$$;
