ALTER FUNCTION refresh_statistics() RESET default_statistics_target;
