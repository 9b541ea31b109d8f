-- The ledger's verbs. Each first locks the user's TokenLedger row, then checks the key, rolls the
-- period, decides, writes the counters, then the rows, and returns the figures of that instant.
-- READ COMMITTED: every statement after the lock sees what the previous holder of it committed.
-- Lock order everywhere: Short, TokenLedger, Hold, entries, DailyUsage, Notice.
-- p_day is the local day of p_at in the operator's time zone; the period follows from it alone.

-- The first day of the period that p_day lies in. Only moves forward: a shorter period starts at
-- once, a longer one at its next boundary, a changed time zone never reopens a closed period.
CREATE FUNCTION metering_period_start(p_kind text, p_current date, p_day date)
RETURNS date LANGUAGE sql IMMUTABLE AS $$
    SELECT greatest(p_current, CASE p_kind
        WHEN 'month' THEN date_trunc('month', p_day::timestamp)::date
        WHEN 'week' THEN date_trunc('week', p_day::timestamp)::date
        WHEN 'day' THEN p_day
        ELSE p_current
    END)
$$;

-- Lock a user's ledger and roll it to the period of p_day, in memory: whoever writes next stores it.
CREATE FUNCTION metering_lock_v1(p_user bigint, p_day date)
RETURNS metering_tokenledger LANGUAGE plpgsql AS $$
DECLARE
    l metering_tokenledger;
    v_start date;
BEGIN
    SELECT * INTO l FROM metering_tokenledger WHERE user_id = p_user FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'user % has no token ledger', p_user USING ERRCODE = 'no_data_found';
    END IF;
    v_start := metering_period_start(l.period, l.period_start, p_day);
    IF v_start > l.period_start THEN
        l.period_start := v_start;
        l.used := 0;
        l.held := 0;
        l.granted := 0;
    END IF;
    RETURN l;
END
$$;

-- Append one entry under the lock that the caller has: counters, entry, roll-up, notices.
-- p_ledger is the locked, rolled row with whatever else the verb changes already set in it.
-- used_after is the running sum of the entry's own period, also where that period is closed.
CREATE FUNCTION metering_post_v1(
    p_ledger metering_tokenledger, p_entry metering_ledgerentry
) RETURNS metering_ledgerentry LANGUAGE plpgsql AS $$
DECLARE
    l metering_tokenledger := p_ledger;
    e metering_ledgerentry := p_entry;
    v_before bigint := p_ledger.used;
    v_level smallint;
BEGIN
    l.seq := l.seq + 1;
    e.seq := l.seq;
    e.user_id := l.user_id;
    e.limit_after := l.token_limit + l.granted;
    IF e.period_start = l.period_start THEN
        l.used := l.used + e.tokens;
        e.used_after := l.used;
    ELSE
        SELECT used_after INTO e.used_after FROM metering_ledgerentry
        WHERE user_id = l.user_id AND period_start = e.period_start ORDER BY seq DESC LIMIT 1;
        e.used_after := coalesce(e.used_after, 0) + e.tokens;
    END IF;

    UPDATE metering_tokenledger SET
        period_start = l.period_start, used = l.used, held = l.held, granted = l.granted,
        seq = l.seq, token_limit = l.token_limit, max_in_flight = l.max_in_flight,
        suspended = l.suspended
    WHERE user_id = l.user_id;

    INSERT INTO metering_ledgerentry (
        user_id, seq, kind, tokens, limit_delta, usd, cost_usd, api_type, model, job_id, hold_id,
        event_id, reverses_id, key, period_start, day, used_after, limit_after, actor_id, reason,
        created_at
    ) VALUES (
        e.user_id, e.seq, e.kind, e.tokens, e.limit_delta, e.usd, e.cost_usd, e.api_type, e.model,
        e.job_id, e.hold_id, e.event_id, e.reverses_id, e.key, e.period_start, e.day, e.used_after,
        e.limit_after, e.actor_id, e.reason, e.created_at
    ) RETURNING id INTO e.id;

    IF e.tokens <> 0 THEN
        INSERT INTO metering_dailyusage AS d (
            user_id, day, api_type, model, charges, tokens, usd, cost_usd
        ) VALUES (
            e.user_id, e.day, e.api_type, e.model, (e.kind = 'charge')::int, e.tokens, e.usd,
            coalesce(e.cost_usd, 0)
        )
        ON CONFLICT (user_id, day, api_type, model) DO UPDATE SET
            charges = d.charges + excluded.charges,
            tokens = d.tokens + excluded.tokens,
            usd = coalesce(d.usd + excluded.usd, d.usd, excluded.usd),
            cost_usd = d.cost_usd + excluded.cost_usd;
    END IF;

    IF e.kind = 'charge' AND e.period_start = l.period_start AND e.limit_after > 0 THEN
        FOREACH v_level IN ARRAY l.notice_levels LOOP
            IF v_before * 100 < v_level * e.limit_after AND l.used * 100 >= v_level * e.limit_after
            THEN
                INSERT INTO metering_notice (
                    user_id, period_start, level, limit_tokens, used_tokens, created_at
                ) VALUES (
                    l.user_id, l.period_start, v_level, e.limit_after, l.used, e.created_at
                ) ON CONFLICT DO NOTHING;
            END IF;
        END LOOP;
    END IF;
    RETURN e;
END
$$;

-- hold: all legs or none. Refusals in this order: suspended, tokens, jobs in flight.
-- Outcomes: held, repeated (the key was used for this job before), key_conflict, suspended,
-- over_limit, in_flight. A refusal writes nothing.
CREATE FUNCTION metering_hold_v1(
    p_user bigint, p_job uuid, p_key text, p_legs jsonb, p_day date, p_at timestamptz
) RETURNS TABLE (
    outcome text, hold_ids bigint[], token_limit bigint, granted bigint, used bigint, held bigint,
    period text, period_start date, in_flight int, max_in_flight int, suspended boolean
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    v_leg jsonb;
    v_need bigint := 0;
    v_others int;
    v_here int;
    v_id bigint;
BEGIN
    -- Asked first without an aggregate: nearly every key is new.
    PERFORM FROM metering_hold h WHERE h.key = p_key;
    IF FOUND THEN
        SELECT array_agg(h.id ORDER BY h.leg),
               min(CASE WHEN h.user_id = p_user AND h.job_id = p_job
                   THEN 'repeated' ELSE 'key_conflict' END)
        INTO hold_ids, outcome FROM metering_hold h WHERE h.key = p_key;
    END IF;

    SELECT count(DISTINCT h.job_id) FILTER (WHERE h.job_id <> p_job),
           count(DISTINCT h.job_id) FILTER (WHERE h.job_id = p_job)
    INTO v_others, v_here FROM metering_hold h
    WHERE h.user_id = p_user AND h.state IN ('open', 'due') AND NOT h.parked;

    IF outcome IS NULL THEN
        FOR n IN 0 .. jsonb_array_length(p_legs) - 1 LOOP
            v_need := v_need + (p_legs -> n ->> 'tokens')::bigint;
        END LOOP;
        outcome := CASE
            WHEN l.suspended THEN 'suspended'
            WHEN v_need > l.token_limit + l.granted - l.used - l.held THEN 'over_limit'
            WHEN v_others >= l.max_in_flight THEN 'in_flight'
            ELSE 'held'
        END;
    END IF;

    IF outcome = 'held' THEN
        l.held := l.held + v_need;
        v_here := 1;
        UPDATE metering_tokenledger t SET
            period_start = l.period_start, used = l.used, held = l.held, granted = l.granted
        WHERE t.user_id = p_user;
        FOR n IN 0 .. jsonb_array_length(p_legs) - 1 LOOP
            v_leg := p_legs -> n;
            INSERT INTO metering_hold AS h (
                user_id, job_id, key, leg, api_type, model, amount, cost_usd, line, period_start,
                day, parked, state, release_reason, charge_attempts, charge_error, created_at
            ) VALUES (
                p_user, p_job, p_key, n, v_leg ->> 'api_type', v_leg ->> 'model',
                (v_leg ->> 'tokens')::bigint, (v_leg ->> 'cost_usd')::numeric, v_leg,
                l.period_start, p_day, false, 'open', '', 0, '', p_at
            ) RETURNING h.id INTO v_id;
            hold_ids := hold_ids || v_id;
        END LOOP;
    END IF;

    token_limit := l.token_limit;
    granted := l.granted;
    used := l.used;
    held := l.held;
    period := l.period;
    period_start := l.period_start;
    in_flight := v_others + v_here;
    max_in_flight := l.max_in_flight;
    suspended := l.suspended;
    RETURN NEXT;
END
$$;

-- record_usage: the event, and its hold from open to due. Called inside the transaction that moves
-- the job. Evidence that comes after the hold was closed is stored and is not billable.
-- Outcomes: recorded, repeated (this attempt's event is there already).
CREATE FUNCTION metering_record_usage_v1(
    p_hold bigint, p_attempt int, p_event metering_usageevent, p_day date, p_at timestamptz
) RETURNS TABLE (outcome text, event_id bigint, billable boolean, tokens bigint)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_user bigint;
    h metering_hold;
    e metering_usageevent := p_event;
BEGIN
    SELECT user_id INTO STRICT v_user FROM metering_hold WHERE id = p_hold;
    PERFORM metering_lock_v1(v_user, p_day);
    SELECT * INTO h FROM metering_hold WHERE id = p_hold FOR NO KEY UPDATE;
    SELECT u.id, u.billable, u.tokens INTO event_id, billable, tokens FROM metering_usageevent u
    WHERE u.hold_id = p_hold AND u.attempt = p_attempt;
    IF FOUND THEN
        outcome := 'repeated';
        RETURN NEXT;
        RETURN;
    END IF;

    e.billable := e.billable AND h.state = 'open';
    INSERT INTO metering_usageevent (
        user_id, hold_id, attempt, job_id, api_type, model, prompt_tokens, candidates_tokens,
        thoughts_tokens, cached_tokens, total_tokens, seconds, resolution, provider_id, basis,
        billable, tokens, usd, cost_usd, created_at
    ) VALUES (
        h.user_id, h.id, p_attempt, h.job_id, h.api_type, h.model, e.prompt_tokens,
        e.candidates_tokens, e.thoughts_tokens, e.cached_tokens, e.total_tokens, e.seconds,
        e.resolution, e.provider_id, e.basis, e.billable, e.tokens, e.usd, e.cost_usd, p_at
    ) RETURNING id INTO e.id;
    IF e.billable THEN
        UPDATE metering_hold SET state = 'due', charge_after = p_at WHERE id = p_hold;
    END IF;
    outcome := 'recorded';
    event_id := e.id;
    billable := e.billable;
    tokens := e.tokens;
    RETURN NEXT;
END
$$;

-- charge: a due hold becomes captured with its one entry; what is left of it is given back by the
-- same call. A hold of an older period closes without touching today's used or held.
-- Outcomes: charged, repeated, and open, released or written_off where there is nothing to charge.
CREATE FUNCTION metering_charge_v1(p_hold bigint, p_day date, p_at timestamptz) RETURNS TABLE (
    outcome text, entry_id bigint, tokens bigint, usd numeric, used bigint, held bigint,
    granted bigint, token_limit bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    v_user bigint;
    h metering_hold;
    l metering_tokenledger;
    e metering_ledgerentry;
BEGIN
    SELECT user_id INTO STRICT v_user FROM metering_hold WHERE id = p_hold;
    l := metering_lock_v1(v_user, p_day);
    UPDATE metering_hold SET state = 'captured', parked = false, closed_at = p_at,
        charge_after = NULL, charge_error = ''
    WHERE id = p_hold AND state = 'due' RETURNING * INTO h;

    IF FOUND THEN
        SELECT u.id, u.tokens, u.usd, u.cost_usd
        INTO STRICT e.event_id, e.tokens, e.usd, e.cost_usd
        FROM metering_usageevent u WHERE u.hold_id = p_hold AND u.billable;
        IF h.period_start = l.period_start THEN
            l.held := l.held - h.amount;
        END IF;
        e.kind := 'charge';
        e.api_type := h.api_type;
        e.model := h.model;
        e.job_id := h.job_id;
        e.hold_id := h.id;
        e.key := 'charge:' || h.id;
        e.period_start := h.period_start;
        e.day := h.day;
        e.reason := '';
        e.created_at := p_at;
        e := metering_post_v1(l, e);
        IF h.period_start = l.period_start THEN
            l.used := l.used + e.tokens;
        END IF;
        outcome := 'charged';
    ELSE
        SELECT state INTO outcome FROM metering_hold WHERE id = p_hold;
        IF outcome = 'captured' THEN
            outcome := 'repeated';
            SELECT * INTO e FROM metering_ledgerentry
            WHERE hold_id = p_hold AND metering_ledgerentry.kind = 'charge';
        END IF;
    END IF;

    entry_id := e.id;
    tokens := e.tokens;
    usd := e.usd;
    used := l.used;
    held := l.held;
    granted := l.granted;
    token_limit := l.token_limit;
    RETURN NEXT;
END
$$;

-- release: an open hold is given back whole. The last statement of the transaction that moves its
-- job. Outcomes: released, repeated, and due, captured or written_off where it is not open any more.
CREATE FUNCTION metering_release_v1(p_hold bigint, p_reason text, p_day date, p_at timestamptz)
RETURNS TABLE (outcome text, amount bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    h metering_hold;
    l metering_tokenledger;
BEGIN
    SELECT * INTO STRICT h FROM metering_hold WHERE id = p_hold;
    l := metering_lock_v1(h.user_id, p_day);
    SELECT * INTO h FROM metering_hold WHERE id = p_hold FOR NO KEY UPDATE;
    IF h.state = 'open' THEN
        IF h.period_start = l.period_start THEN
            l.held := l.held - h.amount;
        END IF;
        UPDATE metering_tokenledger SET
            period_start = l.period_start, used = l.used, held = l.held, granted = l.granted
        WHERE user_id = l.user_id;
        UPDATE metering_hold SET state = 'released', parked = false, closed_at = p_at,
            release_reason = p_reason WHERE id = p_hold;
        RETURN QUERY SELECT 'released', h.amount;
    ELSE
        RETURN QUERY SELECT CASE h.state WHEN 'released' THEN 'repeated' ELSE h.state END::text,
            h.amount;
    END IF;
END
$$;

-- park: a live hold whose outcome is unknown or overdue keeps its tokens and gives up its place in
-- flight; false takes the place back. True if the hold is live.
CREATE FUNCTION metering_park_v1(p_hold bigint, p_parked boolean, p_day date)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    v_user bigint;
BEGIN
    SELECT user_id INTO STRICT v_user FROM metering_hold WHERE id = p_hold;
    PERFORM metering_lock_v1(v_user, p_day);
    UPDATE metering_hold SET parked = p_parked WHERE id = p_hold AND state IN ('open', 'due');
    RETURN FOUND;
END
$$;

-- track: event and entry in one call, with no hold, for spending that could not be foreseen.
-- Outcomes: charged, repeated, key_conflict.
CREATE FUNCTION metering_track_v1(
    p_user bigint, p_key text, p_event metering_usageevent, p_day date, p_at timestamptz
) RETURNS TABLE (
    outcome text, entry_id bigint, tokens bigint, usd numeric, used bigint, held bigint,
    granted bigint, token_limit bigint
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    u metering_usageevent := p_event;
    e metering_ledgerentry;
    v_outcome text := 'charged';
BEGIN
    SELECT * INTO e FROM metering_ledgerentry WHERE key = p_key;
    IF FOUND THEN
        v_outcome := CASE WHEN e.user_id = p_user AND e.kind = 'charge' AND e.hold_id IS NULL
            THEN 'repeated' ELSE 'key_conflict' END;
    ELSE
        INSERT INTO metering_usageevent (
            user_id, attempt, job_id, key, api_type, model, prompt_tokens, candidates_tokens,
            thoughts_tokens, cached_tokens, total_tokens, seconds, resolution, provider_id, basis,
            billable, tokens, usd, cost_usd, created_at
        ) VALUES (
            p_user, 1, u.job_id, p_key, u.api_type, u.model, u.prompt_tokens, u.candidates_tokens,
            u.thoughts_tokens, u.cached_tokens, u.total_tokens, u.seconds, u.resolution,
            u.provider_id, u.basis, true, u.tokens, u.usd, u.cost_usd, p_at
        ) RETURNING id INTO u.id;
        e.kind := 'charge';
        e.tokens := u.tokens;
        e.usd := u.usd;
        e.cost_usd := u.cost_usd;
        e.api_type := u.api_type;
        e.model := u.model;
        e.job_id := u.job_id;
        e.event_id := u.id;
        e.key := p_key;
        e.period_start := l.period_start;
        e.day := p_day;
        e.reason := '';
        e.created_at := p_at;
        e := metering_post_v1(l, e);
        l.used := l.used + e.tokens;
    END IF;
    RETURN QUERY SELECT v_outcome, e.id, e.tokens, e.usd, l.used, l.held, l.granted, l.token_limit;
END
$$;

-- set_limit: tokens per period (NULL = unlimited), and jobs in flight (NULL = as it is).
-- Outcomes: set, repeated, key_conflict.
CREATE FUNCTION metering_set_limit_v1(
    p_user bigint, p_tokens bigint, p_max_in_flight int, p_actor bigint, p_reason text, p_key text,
    p_day date, p_at timestamptz
) RETURNS TABLE (outcome text, entry_id bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    l metering_tokenledger := metering_lock_v1(p_user, p_day);
    e metering_ledgerentry;
BEGIN
    SELECT * INTO e FROM metering_ledgerentry WHERE key = p_key;
    IF FOUND THEN
        RETURN QUERY SELECT CASE WHEN e.user_id = p_user AND e.kind = 'limit'
            THEN 'repeated' ELSE 'key_conflict' END, e.id;
        RETURN;
    END IF;
    e.kind := 'limit';
    e.tokens := 0;
    e.limit_delta := p_tokens - l.token_limit;
    e.api_type := '';
    e.model := '';
    e.key := p_key;
    e.period_start := l.period_start;
    e.day := p_day;
    e.actor_id := p_actor;
    e.reason := p_reason;
    e.created_at := p_at;
    l.token_limit := p_tokens;
    l.max_in_flight := coalesce(p_max_in_flight, l.max_in_flight);
    e := metering_post_v1(l, e);
    RETURN QUERY SELECT 'set', e.id;
END
$$;
