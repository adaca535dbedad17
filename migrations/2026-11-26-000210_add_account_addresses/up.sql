ALTER TABLE accounts ADD COLUMN addresses text[] NOT NULL DEFAULT '{}';
COMMENT ON COLUMN accounts.addresses IS
    'The addresses that Gmail takes for the person''s own in this account, lower case and sorted, as its settings told at the last sync; the account''s own is among them. Empty until then, and without mail.';
