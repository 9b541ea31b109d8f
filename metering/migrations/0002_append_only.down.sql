DROP TRIGGER conversionrate_in_force ON metering_conversionrate;
DROP TRIGGER ratecard_in_force ON metering_ratecard;
DROP FUNCTION metering_price_in_force;
DROP TRIGGER usageevent_no_truncate ON metering_usageevent;
DROP TRIGGER usageevent_append_only ON metering_usageevent;
DROP TRIGGER ledgerentry_no_truncate ON metering_ledgerentry;
DROP TRIGGER ledgerentry_append_only ON metering_ledgerentry;
DROP FUNCTION metering_append_only;
