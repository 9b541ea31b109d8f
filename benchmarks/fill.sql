-- A year of charges in SQL: user 1 has a tenth of them, users 2 to 901 the rest in equal shares,
-- mixed in time. Holds, events, entries, roll-up and counters agree, so that verify_ledger holds.
-- Settings: bench.entries, bench.today. Triggers and foreign keys are lifted by the caller.
CREATE TEMP VIEW charge AS
SELECT id, user_id, seq, period_start, least(period_start + (place * 28 / share)::int, today) AS day,
       (place + 1) * 487 AS used_after, ('01900000' || lpad(to_hex(id), 24, '0'))::uuid AS job_id
FROM (
    SELECT id, user_id, nth + 1 AS seq, share, nth - month * share AS place, today,
           (date_trunc('month', today::timestamp) - make_interval(months => 11 - month::int))::date
               AS period_start
    FROM (
        SELECT id, user_id, nth, share, least(nth / share, 11) AS month, today
        FROM (
            SELECT g + 1 AS id, today,
                   CASE WHEN g % 1000 < 100 THEN 1 ELSE g % 1000 - 98 END AS user_id,
                   CASE WHEN g % 1000 < 100 THEN g / 1000 * 100 + g % 1000 ELSE g / 1000 END AS nth,
                   greatest(entries / CASE WHEN g % 1000 < 100 THEN 120 ELSE 12000 END, 1) AS share
            FROM (
                SELECT current_setting('bench.entries')::bigint AS entries,
                       current_setting('bench.today')::date AS today
            ) settings, generate_series(0, entries - 1) g
        ) numbered
    ) by_month
) dated;

INSERT INTO metering_hold (
    id, user_id, job_id, key, leg, api_type, model, amount, cost_usd, line, period_start, day,
    parked, state, release_reason, charge_attempts, charge_error, created_at, closed_at
)
SELECT id, user_id, job_id, 'hold:' || job_id, 0, 'gemini-image-analysis', 'gemini-3.8-flash', 500,
       0.001875, '{}', period_start, day, false, 'captured', '', 0, '', day, day
FROM charge;

INSERT INTO metering_usageevent (
    id, user_id, hold_id, attempt, job_id, api_type, model, prompt_tokens, candidates_tokens,
    thoughts_tokens, total_tokens, resolution, provider_id, basis, billable, tokens, cost_usd,
    created_at
)
SELECT id, user_id, id, 1, job_id, 'gemini-image-analysis', 'gemini-3.8-flash', 310, 97, 80, 487,
       '', '', 'reported', true, 487, 0.00182625, day
FROM charge;

INSERT INTO metering_ledgerentry (
    id, user_id, seq, kind, tokens, cost_usd, api_type, model, job_id, hold_id, event_id, key,
    period_start, day, used_after, limit_after, reason, created_at
)
SELECT id, user_id, seq, 'charge', 487, 0.00182625, 'gemini-image-analysis', 'gemini-3.8-flash',
       job_id, id, id, 'charge:' || id, period_start, day, used_after, 1000000000000, '', day
FROM charge;

INSERT INTO metering_dailyusage (user_id, day, api_type, model, charges, tokens, usd, cost_usd)
SELECT user_id, day, api_type, model, count(*), sum(tokens), NULL, sum(cost_usd)
FROM metering_ledgerentry GROUP BY user_id, day, api_type, model;

UPDATE metering_tokenledger l
SET period_start = e.this_month, used = e.used, seq = e.seq
FROM (
    SELECT user_id, this_month, max(seq) AS seq,
           coalesce(sum(tokens) FILTER (WHERE period_start = this_month), 0) AS used
    FROM metering_ledgerentry,
         (SELECT date_trunc('month', current_setting('bench.today')::timestamp)::date) m (this_month)
    GROUP BY user_id, this_month
) e WHERE e.user_id = l.user_id;

SELECT setval(pg_get_serial_sequence(name, 'id'), current_setting('bench.entries')::bigint)
FROM unnest('{metering_hold,metering_usageevent,metering_ledgerentry}'::text[]) name;

DROP VIEW charge;
