DROP FUNCTION metering_resolve_v1;
