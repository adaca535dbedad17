COMMENT ON COLUMN streams.n_gaps IS 'How many of them the ledger did not know; they were fetched then.';
COMMENT ON COLUMN streams.audited_at IS 'When everything was last listed anew and compared with the ledger.';

DROP INDEX items_failed;
