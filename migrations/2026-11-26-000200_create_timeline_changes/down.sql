DROP TABLE timeline_changes;
DROP TABLE timelines;
