"""make bench: how fast the ledger is beside what PostgreSQL can do, whether it stays so, and many
shorts at once."""

import argparse
import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks import place as places
from benchmarks import shorts

PARTS = ("cycle", "growth", "shorts", "flight")
SIZES = (10_000, 1_000_000, 10_000_000)
QUICK_SIZES = (10_000, 100_000)
CROWD = shorts.Crowd(shorts=200, render_seconds=60)
QUICK_CROWD = shorts.Crowd(shorts=20, render_seconds=10)
# Long enough for all to be under way at once.
FLIGHT = shorts.Crowd(shorts=1000, render_seconds=300, processes=1)
QUICK_FLIGHT = shorts.Crowd(shorts=50, render_seconds=20, processes=1)


def main() -> None:
    """Take the figures and print them."""
    options = _options()
    place = places.open_place()
    figures: dict[str, Any] = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds")}
    with contextlib.ExitStack() as servers:
        servers.callback(places.close_place, place, keep=options.keep)
        servers.enter_context(shorts.broker(place))
        import django

        django.setup()
        places.make_users()
        if options.only in (None, "cycle"):
            figures["cycle"] = _cycle(place, quick=options.quick)
        if options.only in (None, "growth"):
            figures["growth"] = _growth(place, quick=options.quick)
        if options.only in (None, "shorts"):
            figures["shorts"] = _shorts(place, QUICK_CROWD if options.quick else CROWD)
        if options.only in (None, "flight"):
            figures["flight"] = _shorts(place, QUICK_FLIGHT if options.quick else FLIGHT)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short run, small tables")
    parser.add_argument(
        "--only", choices=("cycle", "growth", "shorts", "flight"), help="one of them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there too")
    parser.add_argument(
        "--keep", action="store_true", help="keep all data for a run of the same code"
    )
    return parser.parse_args()


def _shorts(place: places.Place, crowd: shorts.Crowd) -> dict[str, Any]:
    processes = f" of {crowd.processes} process" if crowd.processes else ""
    print(f"\n{crowd.shorts} shorts at once through one worker{processes}\n", flush=True)
    run = shorts.measure(place, crowd)
    print(shorts.show(run), flush=True)
    return shorts.to_json(run)


def _cycle(place: places.Place, *, quick: bool) -> list[dict[str, Any]]:
    from benchmarks import cycle

    print("Hold + charge beside plain SQL, medians of all runs\n", flush=True)
    cells = cycle.measure(place, runs=1 if quick else 9, seconds=1 if quick else 2)
    print(cycle.show(cells), flush=True)
    return cycle.to_json(cells)


def _growth(place: places.Place, *, quick: bool) -> dict[str, Any]:
    from django.utils import timezone

    from benchmarks import growth
    from metering import periods

    today = periods.local_day(at=timezone.now()).isoformat()
    print("\nFilling the tables (ten million entries take minutes) ...", flush=True)
    sizes = QUICK_SIZES if quick else SIZES
    databases = {n: growth.fill(place, entries=n, today=today) for n in sizes}
    measured = growth.measure(databases, rounds=2 if quick else 9, calls=50 if quick else 200)
    proof = growth.prove(measured[-1])
    print("\nThe same calls beside more and more entries, one client\n")
    print(growth.show(measured, proof), flush=True)
    return growth.to_json(measured, proof)


if __name__ == "__main__":
    main()
