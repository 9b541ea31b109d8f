-- Prices are not truncated either: one of them was always in force.
CREATE TRIGGER ratecard_no_truncate BEFORE TRUNCATE ON metering_ratecard
    FOR EACH STATEMENT EXECUTE FUNCTION metering_append_only();
CREATE TRIGGER conversionrate_no_truncate BEFORE TRUNCATE ON metering_conversionrate
    FOR EACH STATEMENT EXECUTE FUNCTION metering_append_only();
