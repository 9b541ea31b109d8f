"""The verbs: the real service functions, one process per client, each with its own connection."""

import json
import multiprocessing
import random
import time
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks import floor
from benchmarks.place import USERS, Place
from benchmarks.report import Figures, Sample, middle, table, verdict

CELLS = ((1, 1), (1, 4), (1, 16), (USERS, 1), (USERS, 4), (USERS, 16))
TARGETS = {(1, 1): 0.6, (USERS, 1): 0.6, (USERS, 16): 0.25}
WARM_UP = 30


@dataclass(frozen=True)
class Cell:
    """What one number of users and clients gave."""

    users: int
    clients: int
    floor: Figures
    calls: Figures
    whole: Figures
    ratio: float
    whole_ratio: float
    statements: dict[str, int]


def measure(place: Place, *, runs: int, seconds: int) -> list[Cell]:
    """Floor and verbs in turn, so that both meet the same disturbances."""
    place.copy("floor", of="shorts")
    place.copy("verbs", of="shorts")
    line, statements = _in_child(_line), _in_child(_statements)
    cells = []
    for users, clients in CELLS:
        below, calls, whole = [], [], []
        for _ in range(runs):
            below.append(
                floor.run(
                    place, database="floor", line=line, users=users, clients=clients,
                    seconds=seconds,
                )
            )  # fmt: skip
            alone, all_three = run(users=users, clients=clients, seconds=seconds)
            calls.append(alone)
            whole.append(all_three)
        cells.append(
            Cell(
                users, clients, middle(below), middle(calls), middle(whole),
                _ratio(calls, below), _ratio(whole, below), statements,
            )
        )  # fmt: skip
    return cells


def run(*, users: int, clients: int, seconds: int) -> tuple[Sample, Sample]:
    """One run of all clients: hold and charge alone, and with record_usage between them."""
    barrier, results = multiprocessing.Barrier(clients), multiprocessing.SimpleQueue()
    processes = [
        multiprocessing.Process(target=_client, args=(barrier, results, users, seconds))
        for _ in range(clients)
    ]
    for process in processes:
        process.start()
    timed = [results.get() for _ in processes]
    for process in processes:
        process.join()
    alone = [[hold + charge for hold, _, charge in times] for times in timed]
    whole = [[sum(cycle) for cycle in times] for times in timed]
    return _sample(alone), _sample(whole)


def show(cells: list[Cell]) -> str:
    """The table of all cells, and the targets beside what was reached."""
    rows = [
        (
            cell.users, cell.clients, f"{cell.floor.rate:,.0f}",
            f"{cell.floor.p50_ms:.2f} / {cell.floor.p99_ms:.2f}",
            f"{cell.calls.rate:,.0f}", f"{cell.ratio:.2f}",
            f"{cell.calls.p50_ms:.2f} / {cell.calls.p99_ms:.2f}",
            f"{cell.whole.rate:,.0f}", f"{cell.whole_ratio:.2f}",
            f"{cell.whole.p50_ms:.2f} / {cell.whole.p99_ms:.2f}",
        )
        for cell in cells
    ]  # fmt: skip
    head = (
        "users", "clients", "floor/s", "p50 / p99 ms", "hold + charge/s", "ratio", "p50 / p99 ms",
        "whole cycle/s", "ratio", "p50 / p99 ms",
    )  # fmt: skip
    targets = [
        f"{cell.users} user(s), {cell.clients} client(s): "
        + verdict(cell.ratio, at_least=TARGETS[cell.users, cell.clients])
        for cell in cells
        if (cell.users, cell.clients) in TARGETS
    ]
    counted = ", ".join(f"{verb} {count}" for verb, count in cells[0].statements.items())
    statements = f"Statements: floor {floor.STATEMENTS} a cycle; {counted}."
    return "\n".join([table(head, rows), "", statements, *targets])


def to_json(cells: list[Cell]) -> list[dict[str, Any]]:
    """All figures of all cells."""
    return [
        {
            "users": cell.users, "clients": cell.clients, "floor": cell.floor.to_json(),
            "hold_and_charge": cell.calls.to_json(), "whole_cycle": cell.whole.to_json(),
            "ratio": round(cell.ratio, 3),
            "whole_ratio": round(cell.whole_ratio, 3),
            "statements": cell.statements,
        }
        for cell in cells
    ]  # fmt: skip


def _ratio(samples: list[Sample], below: list[Sample]) -> float:
    """Each run beside the floor's run just before it; the median of that."""
    return median(one.rate / floor.rate for one, floor in zip(samples, below, strict=True))


def _sample(timed: list[list[float]]) -> Sample:
    """Clients together: each was busy for the sum of its own times."""
    rate = sum(len(times) / sum(times) for times in timed)
    return Sample(rate=rate, times=[one for times in timed for one in times])


def _client(barrier: Any, results: Any, users: int, seconds: int) -> None:
    """One client process: a cycle after the other until the time is over."""
    quote, cycle = prepare()
    for _ in range(WARM_UP):
        cycle(random.randint(1, users), quote)
    barrier.wait()
    times = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        times.append(cycle(random.randint(1, users), quote))
    results.put(times)


def prepare(database: str = "verbs") -> tuple[Any, Any]:
    """A quote of one leg, and a function that times its hold, record_usage and charge."""
    from django.db import connection
    from django.utils import timezone
    from uuid_utils.compat import uuid7

    from accounts.models import User
    from metering import ledger, quotes
    from metering.types import LegRequest, Usage

    connection.settings_dict["NAME"] = database
    leg = LegRequest(api_type="gemini-image-analysis", model="gemini-3.8-flash")
    quote = quotes.quote(legs=[leg], at=timezone.now())
    usage = Usage(prompt_tokens=310, candidates_tokens=97, thoughts_tokens=80, total_tokens=487)

    def cycle(number: int, quote: Any) -> tuple[float, float, float]:
        user, job_id, at = User(pk=number), uuid7(), timezone.now()
        start = time.perf_counter()
        (hold,) = ledger.hold(user=user, job_id=job_id, quote=quote, key=f"hold:{job_id}", at=at)
        held = time.perf_counter()
        ledger.record_usage(hold=hold, attempt=1, usage=usage, at=at)
        due = time.perf_counter()
        ledger.charge(hold=hold, at=at)
        return held - start, due - held, time.perf_counter() - due

    return quote, cycle


def _line(results: Any) -> None:
    quote, _ = prepare()
    results.put(json.dumps(quote.lines[0].to_json()))


def _statements(results: Any) -> None:
    """How many statements each verb sends, as counted by Django's own hook."""
    from django.db import connection

    quote, cycle = prepare()
    sent: list[str] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        sent.append(sql)
        return execute(sql, params, many, context)

    cycle(1, quote)
    with connection.execute_wrapper(count):
        cycle(1, quote)
    verbs = ("hold", "record_usage", "charge")
    results.put({verb: sum(f"metering_{verb}_v1" in sql for sql in sent) for verb in verbs})


def _in_child(work: Any) -> Any:
    """What a function says in a process of its own: the parent keeps no connection open."""
    results = multiprocessing.SimpleQueue()
    process = multiprocessing.Process(target=work, args=(results,))
    process.start()
    answer = results.get()
    process.join()
    return answer
