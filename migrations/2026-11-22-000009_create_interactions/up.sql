CREATE TABLE interactions (
    user_id uuid NOT NULL,
    interaction_id uuid NOT NULL,
    account_id uuid NOT NULL,
    stream_id uuid NOT NULL,
    group_key text NOT NULL,
    occurrence text NOT NULL,
    batch_id uuid NOT NULL,
    service text NOT NULL,
    kind text NOT NULL,
    direction text,
    subject text NOT NULL,
    body_text text NOT NULL,
    snippet text NOT NULL,
    occurred_at timestamptz NOT NULL,
    ends_at timestamptz,
    all_day_from date,
    all_day_to date,
    thread text,
    universal_id text,
    location text,
    status text,
    participants jsonb NOT NULL,
    labels text[] NOT NULL,
    attachments jsonb NOT NULL,
    version bigint NOT NULL,
    normalizer_version integer NOT NULL,
    PRIMARY KEY (user_id, interaction_id),
    CONSTRAINT interactions_unique_per_source UNIQUE (user_id, stream_id, group_key, occurrence),
    CONSTRAINT interactions_service_known CHECK (service IN ('gmail', 'calendar')),
    CONSTRAINT interactions_kind_known CHECK (kind IN ('email', 'meeting')),
    CONSTRAINT interactions_direction_known CHECK (direction IN ('sent', 'received', 'internal')),
    CONSTRAINT interactions_all_day_is_a_range CHECK (
        (all_day_from IS NULL) = (all_day_to IS NULL) AND (all_day_from IS NULL OR all_day_from <= all_day_to)
    )
);
COMMENT ON TABLE interactions IS 'The timeline: a projection of the newest surviving raw events. It can be dropped and rebuilt.';
COMMENT ON COLUMN interactions.user_id IS 'Whose timeline it is on.';
COMMENT ON COLUMN interactions.interaction_id IS 'The row''s id; it stays the same when the row is projected again.';
COMMENT ON COLUMN interactions.account_id IS 'The account it came through.';
COMMENT ON COLUMN interactions.stream_id IS 'The stream it came through.';
COMMENT ON COLUMN interactions.group_key IS 'The items it is projected from.';
COMMENT ON COLUMN interactions.occurrence IS 'Which occurrence of a series it is, by original start; empty for a mail or a single meeting.';
COMMENT ON COLUMN interactions.batch_id IS 'The batch that brought the version shown.';
COMMENT ON COLUMN interactions.service IS 'gmail or calendar.';
COMMENT ON COLUMN interactions.kind IS 'email or meeting.';
COMMENT ON COLUMN interactions.direction IS 'Seen from the account: sent, received, internal; NULL when the source does not say.';
COMMENT ON COLUMN interactions.subject IS 'Subject or title, decoded, one line.';
COMMENT ON COLUMN interactions.body_text IS 'The readable text.';
COMMENT ON COLUMN interactions.snippet IS 'The first words of the text.';
COMMENT ON COLUMN interactions.occurred_at IS 'When a mail arrived, when a meeting starts.';
COMMENT ON COLUMN interactions.ends_at IS 'When a meeting ends.';
COMMENT ON COLUMN interactions.all_day_from IS 'First day of an all-day meeting; a date without zone.';
COMMENT ON COLUMN interactions.all_day_to IS 'Last day of an all-day meeting, inclusive.';
COMMENT ON COLUMN interactions.thread IS 'The provider''s id of the conversation or series.';
COMMENT ON COLUMN interactions.universal_id IS 'Message-ID or iCalUID: the same in every copy.';
COMMENT ON COLUMN interactions.location IS 'Where a meeting takes place.';
COMMENT ON COLUMN interactions.status IS 'A meeting''s status: confirmed or tentative.';
COMMENT ON COLUMN interactions.participants IS 'Who took part: role, address, name, response, self.';
COMMENT ON COLUMN interactions.labels IS 'The label ids on a mail.';
COMMENT ON COLUMN interactions.attachments IS 'Files that came with it: name, type, size, inline. Never their content.';
COMMENT ON COLUMN interactions.version IS 'The newest version of the raw events it was projected from.';
COMMENT ON COLUMN interactions.normalizer_version IS 'The normalizer that wrote it.';
-- Serves the timeline, newest first or oldest first.
CREATE INDEX interactions_timeline ON interactions (user_id, occurred_at DESC, interaction_id DESC);
-- Serves a conversation's own page.
CREATE INDEX interactions_thread ON interactions (user_id, thread, occurred_at DESC, interaction_id DESC) WHERE thread IS NOT NULL;

ALTER TABLE interactions ENABLE ROW LEVEL SECURITY;
ALTER TABLE interactions FORCE ROW LEVEL SECURITY;
CREATE POLICY interactions_own ON interactions
    USING (user_id = (SELECT app_user_id())) WITH CHECK (user_id = (SELECT app_user_id()));
GRANT SELECT ON interactions TO omnisync_api;
GRANT SELECT, INSERT, UPDATE, DELETE ON interactions TO omnisync_worker;
