-- resolve: what staff decided about a leg whose outcome nobody could learn. The entry moves no
-- tokens: giving them back, or the place in flight, follows in the transaction that moves the job.
-- Like everything that is said of a hold, it belongs to the period and the day of that hold.
-- Outcomes: done, repeated, key_conflict.
CREATE FUNCTION metering_resolve_v1(
    p_hold bigint, p_actor bigint, p_reason text, p_key text, p_day date, p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    h metering_hold;
    l metering_tokenledger;
    e metering_ledgerentry;
BEGIN
    SELECT * INTO STRICT h FROM metering_hold WHERE id = p_hold;
    l := metering_lock_v1(h.user_id, p_day);
    SELECT CASE WHEN kind = 'resolution' AND hold_id = p_hold
        THEN 'repeated' ELSE 'key_conflict' END, id
    INTO outcome, entry_id FROM metering_ledgerentry WHERE key = p_key;
    IF outcome IS NULL THEN
        e := metering_staff_entry_v1(
            'resolution', p_actor, p_reason, p_key, h.period_start, h.day, p_at);
        e.api_type := h.api_type;
        e.model := h.model;
        e.job_id := h.job_id;
        e.hold_id := h.id;
        e := metering_post_v1(l, e);
        outcome := 'done';
        entry_id := e.id;
    END IF;
    RETURN NEXT;
END
$$;
