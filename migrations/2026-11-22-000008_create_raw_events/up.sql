CREATE TABLE raw_events (
    user_id uuid NOT NULL,
    provider text NOT NULL,
    stream_id uuid NOT NULL,
    source_id text NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    group_key text NOT NULL,
    batch_id uuid NOT NULL,
    payload bytea NOT NULL,
    size_bytes integer NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, provider, stream_id, source_id, version),
    CONSTRAINT raw_events_kind_known CHECK (kind IN ('item', 'gone', 'departed'))
) PARTITION BY LIST (provider);
CREATE TABLE raw_events_google PARTITION OF raw_events FOR VALUES IN ('google') PARTITION BY HASH (user_id);
DO $$
BEGIN
    FOR part IN 0..7 LOOP
        EXECUTE format(
            'CREATE TABLE raw_events_google_%s PARTITION OF raw_events_google FOR VALUES WITH (MODULUS 8, REMAINDER %s)',
            part, part);
        -- Payloads are compressed and sealed before they come: compressing them again would only cost time.
        EXECUTE format('ALTER TABLE raw_events_google_%s ALTER COLUMN payload SET STORAGE EXTERNAL', part);
    END LOOP;
END
$$;
COMMENT ON TABLE raw_events IS
    'Every version of every item exactly as the provider sent it. Inserted and, by undo, deleted; never updated. Interactions are a function of it.';
COMMENT ON COLUMN raw_events.user_id IS 'Whose data it is.';
COMMENT ON COLUMN raw_events.provider IS 'Where it came from.';
COMMENT ON COLUMN raw_events.stream_id IS 'The stream it came through.';
COMMENT ON COLUMN raw_events.source_id IS 'The provider''s id.';
COMMENT ON COLUMN raw_events.version IS 'Rises with the item''s versions: Gmail historyId, Calendar updated in milliseconds.';
COMMENT ON COLUMN raw_events.kind IS
    'item: the item''s payload; gone: the provider''s record of its deletion; departed: it left the approved filter, nothing of it is kept.';
COMMENT ON COLUMN raw_events.group_key IS 'As in items.';
COMMENT ON COLUMN raw_events.batch_id IS 'The batch that brought it.';
COMMENT ON COLUMN raw_events.payload IS 'The JSON as received, zstd-compressed, then sealed with the person''s data key.';
COMMENT ON COLUMN raw_events.size_bytes IS 'Its size as received.';
COMMENT ON COLUMN raw_events.fetched_at IS 'When it was received.';

-- The partitions are reached through their parent only: they grant nothing and, should that change, show nothing.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('raw_events') LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', part);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', part);
    END LOOP;
END
$$;
CREATE POLICY raw_events_own ON raw_events
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT ON raw_events TO omnisync_api;
GRANT SELECT, INSERT, DELETE ON raw_events TO omnisync_worker;
