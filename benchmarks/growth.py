"""Does it grow with the ledger? The same calls beside ten thousand and ten million entries."""

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.place import USERS, WITH_KEYS, Place
from benchmarks.report import percentile, table, verdict

FILL = Path(__file__).with_name("fill.sql").read_text()
MOST_GROWTH = 1.2
MOST_PAGE_MS = 20
WARM_UP = 50
CALLS = ("hold", "charge", "balance", "usage page")


@dataclass(frozen=True)
class Size:
    """What the calls took beside so many entries: one p50 and p99 per call and round, in ms."""

    entries: int
    database: str
    p50: dict[str, list[float]]
    p99: dict[str, list[float]]


@dataclass(frozen=True)
class Proof:
    """How long verify_ledger took, and what it said."""

    entries: int
    seconds: float
    last_line: str


def fill(place: Place, *, entries: int, today: str) -> str:
    """A database with so many entries, made now or left by an earlier run of the same day."""
    name = f"entries_{entries}_{today}"
    if place.exists(name):
        return name
    place.copy("filling", of="shorts")
    with place.connect("filling") as database:
        for setting, value in (("bench.entries", str(entries)), ("bench.today", today)):
            database.execute("SELECT set_config(%s, %s, false)", [setting, value])
        database.execute("SET session_replication_role = replica")
        database.execute(FILL.encode())
        database.execute("RESET session_replication_role")
        database.execute("VACUUM (ANALYZE)")
        database.execute("CHECKPOINT")
    place.rename("filling", to=name)
    return name


def measure(databases: dict[int, str], *, rounds: int, calls: int) -> list[Size]:
    """Every size in turn, round by round, so that all meet the same disturbances."""
    sizes = [
        Size(n, name, {call: [] for call in CALLS}, {call: [] for call in CALLS})
        for n, name in databases.items()
    ]
    clients = {size.entries: _callers(size.database) for size in sizes}
    for size in sizes:
        _one_round(size.database, clients[size.entries], calls=WARM_UP)
    for _ in range(rounds):
        for size in sizes:
            for call, times in _one_round(size.database, clients[size.entries], calls).items():
                size.p50[call].append(1000 * percentile(times, 0.5))
                size.p99[call].append(1000 * percentile(times, 0.99))
    return sizes


def prove(size: Size) -> Proof:
    """Run verify_ledger on what the calls have left behind."""
    from django.core.management import call_command

    _look_at(size.database)
    out = StringIO()
    start = time.perf_counter()
    call_command("verify_ledger", stdout=out)
    seconds = time.perf_counter() - start
    return Proof(size.entries, seconds, out.getvalue().strip().rpartition("\n")[2])


def ratio(sizes: Sequence[Size], call: str) -> float:
    """The largest size beside the smallest, round by round; the median of it."""
    pairs = zip(sizes[-1].p50[call], sizes[0].p50[call], strict=True)
    return median(large / small for large, small in pairs)


def show(sizes: Sequence[Size], proof: Proof) -> str:
    """The table of all sizes, and the targets beside what was reached."""
    rows = [
        (f"{size.entries:,}", *(_both(size, call) for call in CALLS))
        for size in sizes
    ]  # fmt: skip
    rows.append(("last : first", *(f"{ratio(sizes, call):.2f}" for call in CALLS)))
    head = ("entries", *(f"{call}, p50 / p99 ms" for call in CALLS))
    targets = [f"{c}: {verdict(ratio(sizes, c), at_most=MOST_GROWTH)}" for c in CALLS[:3]]
    page = median(sizes[-1].p50["usage page"])
    return "\n".join(
        [
            table(head, rows),
            "",
            *targets,
            f"usage page, ms: {verdict(page, at_most=MOST_PAGE_MS)}",
            f"verify_ledger, {proof.entries:,} entries: {proof.seconds:.1f} s ({proof.last_line})",
        ]
    )


def to_json(sizes: Sequence[Size], proof: Proof) -> dict[str, Any]:
    """All figures of all sizes."""
    return {
        "sizes": [{"entries": s.entries, "p50_ms": s.p50, "p99_ms": s.p99} for s in sizes],
        "ratios": {call: round(ratio(sizes, call), 3) for call in CALLS},
        "verify_ledger": {
            "entries": proof.entries,
            "seconds": round(proof.seconds, 2),
            "verified": proof.last_line == "ledger verified",
        },
    }


def _both(size: Size, call: str) -> str:
    return f"{median(size.p50[call]):.2f} / {median(size.p99[call]):.2f}"


def _look_at(database: str) -> None:
    from django.db import connection

    connection.close()
    connection.settings_dict["NAME"] = database


def _one_round(database: str, callers: Sequence[Any], calls: int) -> dict[str, list[float]]:
    """So many of each call in one database, of people chosen by chance."""
    _look_at(database)
    cycle, balance, page = callers
    cycle()
    timed: dict[str, list[float]] = {call: [] for call in CALLS}
    for _ in range(calls):
        held, charged = cycle()
        timed["hold"].append(held)
        timed["charge"].append(charged)
        timed["balance"].append(_timed(balance))
    for _ in range(max(calls // 5, 1)):
        timed["usage page"].append(_timed(page))
    return timed


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _callers(database: str) -> tuple[Any, Any, Any]:
    """The calls, each of somebody else every time."""
    from django.utils import timezone
    from rest_framework.test import APIClient

    from accounts.models import ApiKey, User
    from benchmarks.cycle import prepare
    from metering import queries

    _look_at(database)
    keys = [
        ApiKey.objects.create(user=User(pk=n), name="bench")[1] for n in range(1, WITH_KEYS + 1)
    ]
    client = APIClient()
    quote, one_cycle = prepare(database)

    def cycle() -> tuple[float, float]:
        held, _, charged = one_cycle(random.randint(1, USERS), quote)
        return held, charged

    def balance() -> object:
        user = User(pk=random.randint(1, USERS))
        return queries.balance(user=user, at=timezone.now())

    def page() -> object:
        header = f"Bearer {random.choice(keys)}"
        answer = client.get("/api/usage", headers={"authorization": header})
        assert answer.status_code == 200, answer.content
        return answer

    return cycle, balance, page
