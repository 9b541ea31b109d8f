-- What staff may do: refund, grant, adjust, suspend, write_off, set_period. Each is one entry with an
-- actor, a reason and a unique key, made under the user's lock like every other verb.
-- Outcomes: done, repeated, key_conflict, and where it can't be done a word that says why.

-- The entry that a key made before, if any: its outcome and id, or nothing.
CREATE FUNCTION metering_seen_v1(
    p_user bigint, p_kind text, p_key text, OUT outcome text, OUT entry_id bigint
) LANGUAGE sql AS $$
    SELECT CASE WHEN user_id = p_user AND kind = p_kind THEN 'repeated' ELSE 'key_conflict' END, id
    FROM metering_ledgerentry WHERE key = p_key
$$;

-- A blank entry of a staff act; what is particular to the verb is set by it.
CREATE FUNCTION metering_staff_entry_v1(
    p_kind text, p_actor bigint, p_reason text, p_key text, p_period date, p_day date,
    p_at timestamptz
) RETURNS metering_ledgerentry LANGUAGE plpgsql AS $$
DECLARE
    e metering_ledgerentry;
BEGIN
    e.kind := p_kind;
    e.tokens := 0;
    e.api_type := '';
    e.model := '';
    e.actor_id := p_actor;
    e.reason := p_reason;
    e.key := p_key;
    e.period_start := p_period;
    e.day := p_day;
    e.created_at := p_at;
    RETURN e;
END
$$;

-- refund: part or the whole of a charge, in the period and on the day of the charge. The provider's
-- cost stays what it was. Further outcomes: not_a_charge, too_much (limit_tokens says what is left to
-- refund), below_zero (limit_tokens says what is used).
CREATE FUNCTION metering_refund_v1(
    p_entry bigint, p_tokens bigint, p_actor bigint, p_reason text, p_key text, p_day date,
    p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint, limit_tokens bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    c metering_ledgerentry;
    l metering_tokenledger;
    e metering_ledgerentry;
    v_left bigint;
    v_used bigint;
BEGIN
    SELECT * INTO STRICT c FROM metering_ledgerentry WHERE id = p_entry;
    l := metering_lock_v1(c.user_id, p_day);
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(c.user_id, 'refund', p_key) s;
    IF outcome IS NOT NULL THEN
        RETURN NEXT;
        RETURN;
    END IF;
    SELECT c.tokens + coalesce(sum(r.tokens), 0) INTO v_left
    FROM metering_ledgerentry r WHERE r.reverses_id = c.id;
    v_used := l.used;
    IF c.period_start <> l.period_start THEN
        SELECT used_after INTO v_used FROM metering_ledgerentry
        WHERE user_id = c.user_id AND period_start = c.period_start ORDER BY seq DESC LIMIT 1;
    END IF;
    outcome := CASE
        WHEN c.kind <> 'charge' THEN 'not_a_charge'
        WHEN p_tokens > v_left THEN 'too_much'
        WHEN p_tokens > v_used THEN 'below_zero'
        ELSE 'done'
    END;
    limit_tokens := CASE outcome WHEN 'below_zero' THEN v_used ELSE v_left END;
    IF outcome = 'done' THEN
        e := metering_staff_entry_v1(
            'refund', p_actor, p_reason, p_key, c.period_start, c.day, p_at);
        e.tokens := -p_tokens;
        e.usd := -round(c.usd * p_tokens / c.tokens, 8);
        e.api_type := c.api_type;
        e.model := c.model;
        e.job_id := c.job_id;
        e.hold_id := c.hold_id;
        e.reverses_id := c.id;
        e := metering_post_v1(l, e);
        entry_id := e.id;
        limit_tokens := v_left - p_tokens;
    END IF;
    RETURN NEXT;
END
$$;

-- grant: extra tokens for the current period.
CREATE FUNCTION metering_grant_v1(
    p_user bigint, p_tokens bigint, p_actor bigint, p_reason text, p_key text, p_day date,
    p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    e metering_ledgerentry;
BEGIN
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(p_user, 'grant', p_key) s;
    IF outcome IS NULL THEN
        e := metering_staff_entry_v1(
            'grant', p_actor, p_reason, p_key, l.period_start, p_day, p_at);
        e.limit_delta := p_tokens;
        l.granted := l.granted + p_tokens;
        e := metering_post_v1(l, e);
        outcome := 'done';
        entry_id := e.id;
    END IF;
    RETURN NEXT;
END
$$;

-- adjust: a correction of what was used this period, up or down. Further outcome: below_zero.
CREATE FUNCTION metering_adjust_v1(
    p_user bigint, p_tokens bigint, p_actor bigint, p_reason text, p_key text, p_day date,
    p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint, limit_tokens bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    e metering_ledgerentry;
BEGIN
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(p_user, 'adjustment', p_key) s;
    IF outcome IS NULL AND l.used + p_tokens < 0 THEN
        outcome := 'below_zero';
        limit_tokens := l.used;
    ELSIF outcome IS NULL THEN
        e := metering_staff_entry_v1(
            'adjustment', p_actor, p_reason, p_key, l.period_start, p_day, p_at);
        e.tokens := p_tokens;
        e := metering_post_v1(l, e);
        outcome := 'done';
        entry_id := e.id;
    END IF;
    RETURN NEXT;
END
$$;

-- suspend: true stops new holds and nothing else, false lets them be made again.
CREATE FUNCTION metering_suspend_v1(
    p_user bigint, p_suspended boolean, p_actor bigint, p_reason text, p_key text, p_day date,
    p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    e metering_ledgerentry;
BEGIN
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(p_user, 'suspension', p_key) s;
    IF outcome IS NULL THEN
        e := metering_staff_entry_v1(
            'suspension', p_actor, p_reason, p_key, l.period_start, p_day, p_at);
        l.suspended := p_suspended;
        e := metering_post_v1(l, e);
        outcome := 'done';
        entry_id := e.id;
    END IF;
    RETURN NEXT;
END
$$;

-- write_off: a due hold that can't be charged is closed and its tokens are given back. Further
-- outcomes: open, captured, released, written_off where it is not due.
CREATE FUNCTION metering_write_off_v1(
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
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(h.user_id, 'write_off', p_key) s;
    SELECT * INTO h FROM metering_hold WHERE id = p_hold FOR NO KEY UPDATE;
    IF outcome IS NULL AND h.state <> 'due' THEN
        outcome := h.state;
    ELSIF outcome IS NULL THEN
        IF h.period_start = l.period_start THEN
            l.held := l.held - h.amount;
        END IF;
        UPDATE metering_hold SET state = 'written_off', parked = false, closed_at = p_at,
            charge_after = NULL WHERE id = p_hold;
        e := metering_staff_entry_v1(
            'write_off', p_actor, p_reason, p_key, h.period_start, h.day, p_at);
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

-- set_period: a shorter period starts at once with nothing used, a longer one at its next boundary.
CREATE FUNCTION metering_set_period_v1(
    p_user bigint, p_kind text, p_actor bigint, p_reason text, p_key text, p_day date,
    p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    e metering_ledgerentry;
    v_start date;
BEGIN
    SELECT s.outcome, s.entry_id INTO outcome, entry_id
    FROM metering_seen_v1(p_user, 'limit', p_key) s;
    IF outcome IS NULL THEN
        v_start := metering_period_start(p_kind, l.period_start, p_day);
        IF v_start > l.period_start THEN
            l.period_start := v_start;
            l.used := 0;
            l.held := 0;
            l.granted := 0;
        END IF;
        UPDATE metering_tokenledger SET period = p_kind WHERE user_id = p_user;
        e := metering_staff_entry_v1(
            'limit', p_actor, p_reason, p_key, l.period_start, p_day, p_at);
        e.limit_delta := 0;
        e := metering_post_v1(l, e);
        outcome := 'done';
        entry_id := e.id;
    END IF;
    RETURN NEXT;
END
$$;
