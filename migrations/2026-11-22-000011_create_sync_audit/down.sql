DROP TABLE sync_audit;
