-- A mail that reached two accounts, and a meeting that stands in two calendars, are one.
CREATE INDEX interactions_universal ON interactions (user_id, universal_id) WHERE universal_id IS NOT NULL;

-- A mail that invites is about a meeting. What is there already says so once it has been projected anew.
ALTER TABLE interactions ADD COLUMN about text;
COMMENT ON COLUMN interactions.about IS 'The universal id of the meeting that a mail invites to, answers or cancels; NULL when it is about none.';
-- Serves the mails about a meeting.
CREATE INDEX interactions_about ON interactions (user_id, about, occurred_at DESC) WHERE about IS NOT NULL;
