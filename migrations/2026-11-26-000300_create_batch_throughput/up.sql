-- How fast a run went, for the plot of it, which a page that is opened later shows as well.
CREATE TABLE batch_throughput (
    user_id uuid NOT NULL,
    batch_id uuid NOT NULL,
    at timestamptz NOT NULL,
    n_settled bigint NOT NULL,
    PRIMARY KEY (user_id, batch_id, at),
    FOREIGN KEY (user_id, batch_id) REFERENCES batches
);
COMMENT ON TABLE batch_throughput IS 'How many items of a batch came to an outcome in each ten seconds in which any did.';
COMMENT ON COLUMN batch_throughput.user_id IS 'Whose batch it is.';
COMMENT ON COLUMN batch_throughput.batch_id IS 'The batch.';
COMMENT ON COLUMN batch_throughput.at IS 'When the ten seconds began.';
COMMENT ON COLUMN batch_throughput.n_settled IS 'How many items came to an outcome; one that was tried again counts once in all.';

ALTER TABLE batch_throughput ENABLE ROW LEVEL SECURITY;
ALTER TABLE batch_throughput FORCE ROW LEVEL SECURITY;
CREATE POLICY batch_throughput_own ON batch_throughput TO omnisync_api, omnisync_worker
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT ON batch_throughput TO omnisync_api;
GRANT SELECT, INSERT, UPDATE ON batch_throughput TO omnisync_worker;
