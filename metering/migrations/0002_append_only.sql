-- Usage events and ledger entries are only ever added. The database itself refuses anything else,
-- whoever asks: admin, shell or SQL.
CREATE FUNCTION metering_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: rows are only ever added', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER ledgerentry_append_only BEFORE UPDATE OR DELETE ON metering_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION metering_append_only();
CREATE TRIGGER ledgerentry_no_truncate BEFORE TRUNCATE ON metering_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION metering_append_only();
CREATE TRIGGER usageevent_append_only BEFORE UPDATE OR DELETE ON metering_usageevent
    FOR EACH ROW EXECUTE FUNCTION metering_append_only();
CREATE TRIGGER usageevent_no_truncate BEFORE TRUNCATE ON metering_usageevent
    FOR EACH STATEMENT EXECUTE FUNCTION metering_append_only();

-- A price once in force is history. Only its end (retires_at, enabled) may still change.
CREATE FUNCTION metering_price_in_force() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.effective_from > now() THEN
        RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - '{retires_at,enabled}'::text[]
        = to_jsonb(NEW) - '{retires_at,enabled}'::text[]
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% on % is refused: the price has been in force', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER ratecard_in_force BEFORE UPDATE OR DELETE ON metering_ratecard
    FOR EACH ROW EXECUTE FUNCTION metering_price_in_force();
CREATE TRIGGER conversionrate_in_force BEFORE UPDATE OR DELETE ON metering_conversionrate
    FOR EACH ROW EXECUTE FUNCTION metering_price_in_force();
