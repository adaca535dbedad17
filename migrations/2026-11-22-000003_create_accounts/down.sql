DROP TABLE connect_attempts;
DROP TABLE accounts;
