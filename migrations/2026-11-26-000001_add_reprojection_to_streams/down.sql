REVOKE SELECT (user_id, stream_id, projected_by) ON streams FROM omnisync_scheduler;
DROP POLICY streams_projected ON streams;
ALTER POLICY streams_own ON streams TO public;

DROP INDEX streams_projected_by;
ALTER TABLE streams DROP COLUMN reprojection, DROP COLUMN reprojected_to, DROP COLUMN projected_by;
