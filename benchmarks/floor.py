"""The floor: what PostgreSQL itself can do with the same rows and indexes.

pgbench runs one hold and one charge of one leg as two plain SQL statements in a copy of the same
database: no function, no application, no network but loopback. Nothing is checked beyond the
limit, and neither usage event nor daily row is written, so no ledger can be faster.
"""

import os
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.place import Place
from benchmarks.report import Sample

CYCLE = """
\\set user random(1, :users)
WITH gate AS (
    UPDATE metering_tokenledger SET held = held + 500
    WHERE user_id = :user AND NOT suspended
      AND (token_limit IS NULL OR token_limit + granted - used - held >= 500)
    RETURNING user_id
)
INSERT INTO metering_hold (
    user_id, job_id, key, leg, api_type, model, amount, cost_usd, line, period_start, day, parked,
    state, release_reason, charge_attempts, charge_error, created_at
)
SELECT user_id, uuidv7(), 'hold:' || uuidv7(), 0, 'gemini-image-analysis', 'gemini-3.8-flash', 500,
       0.00187500, '{line}', '{period}', '{day}', false, 'open', '', 0, '', now()
FROM gate
RETURNING id AS hold \\gset
WITH claimed AS (
    UPDATE metering_hold SET state = 'captured', closed_at = now()
    WHERE id = :hold AND state = 'open'
    RETURNING id, user_id, job_id, api_type, model, amount, cost_usd, period_start, day
), counted AS (
    UPDATE metering_tokenledger l SET used = l.used + 487, held = l.held - c.amount, seq = l.seq + 1
    FROM claimed c WHERE l.user_id = c.user_id
    RETURNING l.used, l.seq, l.token_limit + l.granted AS limit_after
)
INSERT INTO metering_ledgerentry (
    user_id, seq, kind, tokens, cost_usd, api_type, model, job_id, hold_id, key, period_start, day,
    used_after, limit_after, reason, created_at
)
SELECT c.user_id, n.seq, 'charge', 487, c.cost_usd, c.api_type, c.model, c.job_id, c.id,
       'charge:' || c.id, c.period_start, c.day, n.used, n.limit_after, '', now()
FROM claimed c, counted n;
"""
STATEMENTS = 2


def run(
    place: Place, *, database: str, line: str, users: int, clients: int, seconds: int
) -> Sample:
    """One run of pgbench with prepared statements, every cycle timed."""
    today = datetime.now(UTC).date()
    script = CYCLE.format(line=line.replace("'", "''"), period=today.replace(day=1), day=today)
    server = urlsplit(place.url)
    with tempfile.TemporaryDirectory(dir=place.local_dir) as folder:
        (Path(folder) / "cycle.sql").write_text(script)
        command = [
            place.programs / "pgbench", "--no-vacuum", "--protocol=prepared", "--log",
            "--file=cycle.sql", f"--define=users={users}", f"--client={clients}",
            f"--jobs={min(clients, 2)}", f"--time={seconds}", f"--host={server.hostname}",
            f"--port={server.port}", f"--username={server.username}", database,
        ]  # fmt: skip
        environment = {"PGPASSWORD": server.password or "", "PATH": os.defpath}
        subprocess.run(command, check=True, cwd=folder, env=environment, capture_output=True)
        logs = [path.read_text() for path in Path(folder).glob("pgbench_log.*")]
    times = [int(row.split()[2]) / 1_000_000 for log in logs for row in log.splitlines()]
    return Sample(rate=len(times) / seconds, times=times)
