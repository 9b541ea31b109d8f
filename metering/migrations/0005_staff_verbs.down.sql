DROP FUNCTION metering_set_period_v1;
DROP FUNCTION metering_write_off_v1;
DROP FUNCTION metering_suspend_v1;
DROP FUNCTION metering_adjust_v1;
DROP FUNCTION metering_grant_v1;
DROP FUNCTION metering_refund_v1;
DROP FUNCTION metering_staff_entry_v1;
DROP FUNCTION metering_seen_v1;
