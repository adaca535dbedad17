ALTER TABLE accounts DROP COLUMN addresses;
