DROP TABLE previews;
DROP TABLE sync_preferences;
