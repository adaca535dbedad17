-- Serves the account's status: does anything in this stream still fail?
CREATE INDEX items_failed ON items (user_id, stream_id, batch_id) WHERE outcome = 'failed';

COMMENT ON COLUMN streams.audited_at IS 'When everything inside a consent was last listed to its end.';
COMMENT ON COLUMN streams.n_gaps IS
    'How many of them the ledger did not know although it should have: an audit''s, for all others are new to it by right. They were fetched then.';
