-- What a person has decided about people. Whose an address is, they say in identities; nothing here is derived or rebuilt.
CREATE TABLE contact_names (
    user_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    name text NOT NULL,
    PRIMARY KEY (user_id, contact_id)
);
COMMENT ON TABLE contact_names IS 'The names that people gave to their contacts.';
COMMENT ON COLUMN contact_names.user_id IS 'Whose contact it is.';
COMMENT ON COLUMN contact_names.contact_id IS 'The contact.';
COMMENT ON COLUMN contact_names.name IS 'The name.';

CREATE TABLE contact_dismissals (
    user_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    other_id uuid NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, contact_id, other_id),
    CONSTRAINT contact_dismissals_named_once CHECK (contact_id < other_id)
);
COMMENT ON TABLE contact_dismissals IS 'Pairs of contacts that are different people: they are not suggested as one again.';
COMMENT ON COLUMN contact_dismissals.user_id IS 'Who said so.';
COMMENT ON COLUMN contact_dismissals.contact_id IS 'The one with the smaller id.';
COMMENT ON COLUMN contact_dismissals.other_id IS 'The other.';
COMMENT ON COLUMN contact_dismissals.created_at IS 'When.';

CREATE TABLE blocklist (
    user_id uuid NOT NULL,
    entry text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, entry)
);
COMMENT ON TABLE blocklist IS 'Addresses and domains whose people are no contacts. Their mail stays on the timeline.';
COMMENT ON COLUMN blocklist.user_id IS 'Whose list it is.';
COMMENT ON COLUMN blocklist.entry IS 'An address, as in interaction_people, or a domain, which means those below it, too.';
COMMENT ON COLUMN blocklist.created_at IS 'When it was added.';

DO $$
DECLARE
    held text;
BEGIN
    FOREACH held IN ARRAY ARRAY['contact_names', 'contact_dismissals', 'blocklist'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', held);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', held);
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()))',
            held || '_own', held);
    END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON contact_names TO omnisync_api;
GRANT SELECT, INSERT, DELETE ON contact_dismissals, blocklist TO omnisync_api;
GRANT SELECT ON contact_names, blocklist TO omnisync_worker;

ALTER TABLE sync_audit
    DROP CONSTRAINT sync_audit_action_known,
    ADD CONSTRAINT sync_audit_action_known CHECK (
        action IN (
            'connect', 'preview', 'approve', 'sync', 'audit', 'pause', 'resume', 'cancel', 'retry', 'discard', 'undo', 'redo', 'preferences', 'disconnect',
            'deletion_policy', 'purge', 'merge_contacts', 'split_contact', 'rename_contact', 'dismiss_suggestion', 'block', 'unblock')
    );
