"""Do something in many processes at the same instant, each with a connection of its own.

The processes are forked from a server that has imported the project and opened nothing, so sixteen
of them start within the second and none shares a socket or a lock with the test.
"""

import multiprocessing
import os
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from django.db import connection

LIMIT_SECONDS = int(os.environ.get("SOAK_SECONDS", "60"))
context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(["pytest", "tests.concurrency.preload"])


def run(work: Callable[..., Any], arguments: Sequence[tuple[Any, ...]]) -> list[Any]:
    """What each process returned, in no order. Fails with the first process's error."""
    barrier = context.Barrier(len(arguments))
    results = context.Queue()
    database = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT")}
    processes = [
        context.Process(target=_child, args=(barrier, results, database, work, given))
        for given in arguments
    ]
    for process in processes:
        process.start()
    outcomes = [results.get(timeout=LIMIT_SECONDS) for _ in processes]
    for process in processes:
        process.join(LIMIT_SECONDS)
    errors = [error for error, _ in outcomes if error]
    assert not errors, errors[0]
    return [result for _, result in outcomes]


def _child(
    barrier: Any, results: Any, database: dict[str, Any], work: Callable[..., Any], given: Any
) -> None:
    connection.settings_dict.update(database)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = %s", [f"{LIMIT_SECONDS}s"])
        barrier.wait(LIMIT_SECONDS)
        results.put((None, work(*given)))
    except BaseException:
        results.put((f"process {os.getpid()}: {traceback.format_exc()}", None))
    finally:
        connection.close()
