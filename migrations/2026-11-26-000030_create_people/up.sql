-- Who took part in what, the addresses that the owner has something to do with, and the people behind them. All of it is a
-- function of the interactions and of what the person has decided.
CREATE TABLE interaction_people (
    user_id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    address text NOT NULL,
    occurred_at timestamptz NOT NULL,
    relation text NOT NULL,
    name text,
    PRIMARY KEY (user_id, interaction_id, address),
    CONSTRAINT interaction_people_relation_known CHECK (relation IN ('wrote_to', 'wrote', 'met', 'reply_to', 'other'))
);
COMMENT ON TABLE interaction_people IS 'Which addresses took part in which interaction: the participants of interactions, by mailbox. Written with them.';
COMMENT ON COLUMN interaction_people.user_id IS 'Whose interaction it is.';
COMMENT ON COLUMN interaction_people.interaction_id IS 'The interaction.';
COMMENT ON COLUMN interaction_people.address IS 'The mailbox: lower case, without what follows a plus, at Gmail without dots.';
COMMENT ON COLUMN interaction_people.occurred_at IS 'As in interactions.';
COMMENT ON COLUMN interaction_people.relation IS
    'What it says of the owner and them. wrote_to: the owner wrote to them; wrote: they wrote, in person; met: both are in a meeting; reply_to: they get the answers to someone''s mail; other: nothing.';
COMMENT ON COLUMN interaction_people.name IS 'What it calls them; NULL where it gives no name, or says nothing of them.';
-- Serves the timeline of a contact and of an address, and what an identity is made of. Text is compared without leaking, so the
-- index serves under row-level security, as a search in the participants themselves would not.
CREATE INDEX interaction_people_timeline ON interaction_people (user_id, address, occurred_at DESC, interaction_id DESC);
-- Serves the name of an identity.
CREATE INDEX interaction_people_names ON interaction_people (user_id, address, (relation = 'wrote') DESC, occurred_at DESC, interaction_id DESC)
    WHERE name IS NOT NULL;

CREATE TABLE identities (
    user_id uuid NOT NULL,
    address text NOT NULL,
    contact_id uuid NOT NULL,
    names text[] NOT NULL,
    name text,
    n_wrote_to integer NOT NULL DEFAULT 0,
    n_wrote integer NOT NULL DEFAULT 0,
    n_met integer NOT NULL DEFAULT 0,
    first_at timestamptz,
    last_at timestamptz,
    is_hidden boolean NOT NULL,
    decided_at timestamptz,
    PRIMARY KEY (user_id, address),
    CONSTRAINT identities_counts_in_bounds CHECK (n_wrote_to >= 0 AND n_wrote >= 0 AND n_met >= 0)
);
COMMENT ON TABLE identities IS
    'The addresses that the owner wrote to, heard from or met, and those about which they decided something. The counts are those of interaction_people.';
COMMENT ON COLUMN identities.user_id IS 'Whose contact it is.';
COMMENT ON COLUMN identities.address IS 'As in interaction_people.';
COMMENT ON COLUMN identities.contact_id IS 'Whose address it is: a contact of its own, named after the address, unless the person has decided otherwise.';
COMMENT ON COLUMN identities.names IS 'What a blocklist may say to mean it: the address, its domain, and the domains above.';
COMMENT ON COLUMN identities.name IS 'What the newest interaction that gives a name calls them; one that they wrote comes first. NULL where none does.';
COMMENT ON COLUMN identities.n_wrote_to IS 'Interactions of that relation.';
COMMENT ON COLUMN identities.n_wrote IS 'Interactions of that relation.';
COMMENT ON COLUMN identities.n_met IS 'Interactions of that relation.';
COMMENT ON COLUMN identities.first_at IS 'When they first took part in anything; NULL where nothing is left but a decision.';
COMMENT ON COLUMN identities.last_at IS 'When they last took part in anything, or will.';
COMMENT ON COLUMN identities.is_hidden IS 'Whether it is part of no contact: it is blocked, or the owner''s own.';
COMMENT ON COLUMN identities.decided_at IS 'When the person last decided whose it is, or what they are called; NULL if never. Such a row outlives its interactions.';
-- Serves a contact's addresses.
CREATE INDEX identities_of_contact ON identities (user_id, contact_id);

CREATE TABLE contacts (
    user_id uuid NOT NULL,
    contact_id uuid NOT NULL,
    name text,
    n_wrote_to integer NOT NULL,
    n_wrote integer NOT NULL,
    n_met integer NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    is_decided boolean NOT NULL,
    PRIMARY KEY (user_id, contact_id)
);
COMMENT ON TABLE contacts IS 'The people that identities are of, in sum. Written with them; what is hidden is left out.';
COMMENT ON COLUMN contacts.user_id IS 'Whose contact it is.';
COMMENT ON COLUMN contacts.contact_id IS 'The contact''s id.';
COMMENT ON COLUMN contacts.name IS 'The name that the person gave, else that of the identity with most interactions; NULL where there is none.';
COMMENT ON COLUMN contacts.n_wrote_to IS 'The sum over its identities.';
COMMENT ON COLUMN contacts.n_wrote IS 'The sum over its identities.';
COMMENT ON COLUMN contacts.n_met IS 'The sum over its identities.';
COMMENT ON COLUMN contacts.first_at IS 'The first of its identities.';
COMMENT ON COLUMN contacts.last_at IS 'The last of its identities.';
COMMENT ON COLUMN contacts.is_decided IS 'Whether the person has decided something about one of its identities.';
-- Serves the list of contacts, newest first or oldest first.
CREATE INDEX contacts_newest ON contacts (user_id, last_at DESC, contact_id DESC);

DO $$
DECLARE
    held text;
BEGIN
    FOREACH held IN ARRAY ARRAY['interaction_people', 'identities', 'contacts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', held);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', held);
        EXECUTE format(
            'CREATE POLICY %I ON %I USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()))',
            held || '_own', held);
    END LOOP;
END
$$;
-- A search may be for what someone took part in.
GRANT SELECT ON interaction_people TO omnisync_api, omnisync_search;
GRANT SELECT, INSERT, UPDATE, DELETE ON interaction_people TO omnisync_worker;
GRANT SELECT, UPDATE ON identities TO omnisync_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON identities TO omnisync_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO omnisync_api, omnisync_worker;
