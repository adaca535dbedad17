-- PostgreSQL analyzes a table on its own a minute or more after it has grown. A first sync is over by then, and until then the planner
-- believes that nobody has more than a handful of rows.
CREATE FUNCTION refresh_statistics() RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$
DECLARE
    grown record;
    n integer := 0;
BEGIN
    FOR grown IN
        SELECT c.oid::regclass AS name
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_stat_user_tables s ON s.relid = c.oid
        WHERE s.schemaname = 'public' AND s.n_mod_since_analyze > 500 + greatest(c.reltuples, 0)
    LOOP
        EXECUTE pg_catalog.format('ANALYZE (SKIP_LOCKED) %s', grown.name);
        n := n + 1;
    END LOOP;
    RETURN n;
END
$$;
COMMENT ON FUNCTION refresh_statistics() IS
    'Analyzes the tables that have changed by more than all they held when they were last analyzed; returns how many those were.';
REVOKE EXECUTE ON FUNCTION refresh_statistics() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION refresh_statistics() TO omnisync_scheduler;
