"""How the stand-in is told to misbehave, and what it remembers of the calls it got.

An order changes the next calls of one kind; orders wait in a queue per kind, in the order in which
they came. Counts are of calls received (whatever the answer was) and of submits really accepted.
Delays are seconds.
"""

import copy
import threading
from collections import Counter, deque
from dataclasses import dataclass, field, fields, replace
from typing import Any

from shortsproject.local import gemini_interactions, gemini_renders
from shortsproject.local.gemini_wire import Answer, Call

COUNTED = ("analyse", "submit", "poll", "download")
KINDS = (*COUNTED, "cancel", "delete")
ENDS = tuple(dict.fromkeys(gemini_renders.ENDINGS + gemini_interactions.ENDINGS))
OUTCOMES = {
    "analyse": ("filtered", "error", "empty", "no_usage", "truncated"),
    "submit": (*ENDS, "empty", "truncated"),
    "poll": (*ENDS, "empty", "truncated"),
    "download": ("filtered", "error", "empty", "no_usage", "truncated"),
    "cancel": (),
    "delete": (),
}
TAKEN = 200
CUTS = ("before", "after", "reset", "garbage")
LONGEST_DELAY = 3600
LARGEST_FILE = 2 * 1024 * 1024 * 1024
KEPT_CALLS = 500
KEPT_CALL_BYTES = 64 * 1024 * 1024


class OrderError(Exception):
    """The control endpoint was asked for something that makes no sense; says what."""


class NothingHeldError(Exception):
    """A release found no call that is being held."""


@dataclass(frozen=True)
class Order:
    """What to do with one call. Everything left out: as usual."""

    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    delay_s: float = 0
    drip_s: float = 0
    cut: str | None = None
    cut_at: int | None = None
    outcome: str | None = None
    hold: bool = False
    hold_at: int | None = None
    size_bytes: int | None = None


FIELDS = ("kind", "n", *(one.name for one in fields(Order)))
AS_USUAL = Order()


@dataclass(frozen=True)
class Reply:
    """An answer and how it leaves; None: the connection ends without one."""

    answer: Answer | None
    order: Order = AS_USUAL
    kind: str = ""


def read_order(content: Any) -> tuple[str, int, Order]:
    """Kind, number of calls and order out of what the control endpoint got."""
    if not isinstance(content, dict):
        raise OrderError("Send a JSON object.")
    given = {key: value for key, value in content.items() if value is not None}
    unknown = sorted(set(given) - set(FIELDS))
    if unknown:
        raise OrderError(f"Unknown fields: {', '.join(unknown)}. Known: {', '.join(FIELDS)}.")
    kind, number = given.pop("kind", None), given.pop("n", 1)
    check_kind(kind)
    if not _is_whole(number, 1, 1_000_000):
        raise OrderError("n is a whole number of at least 1.")
    order = Order(**given)
    _check_values(kind, order)
    if order.status == TAKEN:
        order = replace(order, status=None)
    _check_together(order)
    return kind, number, order


def check_kind(kind: Any) -> None:
    """One of the kinds of call that orders are for."""
    if kind not in KINDS:
        raise OrderError(f"kind is one of {', '.join(KINDS)}.")


def _check_values(kind: str, order: Order) -> None:
    if order.status is not None and not _is_whole(order.status, 200, 599):
        raise OrderError("status is an HTTP status from 200 to 599.")
    _check_seconds("delay_s", order.delay_s)
    _check_seconds("drip_s", order.drip_s)
    for name in ("cut_at", "hold_at", "size_bytes"):
        number = getattr(order, name)
        if number is not None and not _is_whole(number, 0, LARGEST_FILE):
            raise OrderError(f"{name} is a number of bytes, {LARGEST_FILE} at most.")
    if order.size_bytes is not None and kind != "download":
        raise OrderError("size_bytes is for downloads.")
    if order.cut is not None and order.cut not in CUTS:
        raise OrderError(f"cut is one of {', '.join(CUTS)}.")
    if order.outcome is not None and order.outcome not in OUTCOMES[kind]:
        known = ", ".join(OUTCOMES[kind]) or "none"
        raise OrderError(f"Outcomes of {kind}: {known}.")
    if not isinstance(order.hold, bool):
        raise OrderError("hold is true or false.")
    if not isinstance(order.headers, dict):
        raise OrderError("headers is an object of names and values.")


def _check_seconds(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OrderError(f"{name} is a number of seconds.")
    if not 0 <= value <= LONGEST_DELAY:
        raise OrderError(f"{name} is between 0 and {LONGEST_DELAY}.")


def _check_together(order: Order) -> None:
    if order.status is not None and (order.outcome or order.cut):
        raise OrderError("status refuses the call, so it goes with neither outcome nor cut.")
    if order.body is not None and order.outcome:
        raise OrderError("Either body or outcome says what is answered.")
    if order.cut == "before" and (order.outcome or order.body is not None or order.cut_at):
        raise OrderError("A call that is cut before it is taken has no outcome and no body.")


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


class Script:
    """Orders, gates, counts and the record of calls of one stand-in; safe to use from threads."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._stopped = False
        self._calls: deque[tuple[Call, int]] = deque()
        self._forget()

    def start(self) -> None:
        """Let calls wait again."""
        with self._condition:
            self._stopped = False

    def stop(self) -> None:
        """Let go of every call that waits."""
        with self._condition:
            self._stopped = True
            self._condition.notify_all()

    def reset(self) -> None:
        """As just started; calls that wait are let go."""
        with self._condition:
            self._forget()
            self._condition.notify_all()

    def _forget(self) -> None:
        self._orders: dict[str, deque[tuple[Order, int]]] = {kind: deque() for kind in KINDS}
        self._received: Counter[str] = Counter()
        self._accepted_submits = 0
        self._calls.clear()
        self._held: dict[str, set[object]] = {kind: set() for kind in KINDS}

    def add(self, kind: str, number: int, order: Order) -> None:
        """Put an order at the end of the queue."""
        with self._condition:
            self._orders[kind].append((order, number))

    def receive(self, call: Call, size: int) -> None:
        """Count and remember a call of `size` bytes."""
        with self._condition:
            self._received[call.kind] += 1
            self._calls.append((call, size))
            while len(self._calls) > KEPT_CALLS or self._kept_bytes() > KEPT_CALL_BYTES:
                self._calls.popleft()
            self._condition.notify_all()

    def _kept_bytes(self) -> int:
        return sum(size for _, size in self._calls)

    def take(self, kind: str) -> Order:
        """The order for the call that has just come."""
        with self._condition:
            waiting = self._orders.get(kind)
            if not waiting:
                return AS_USUAL
            order, number = waiting.popleft()
            if number > 1:
                waiting.appendleft((order, number - 1))
            return order

    def count_accepted(self) -> None:
        """One more submit is an operation now."""
        with self._condition:
            self._accepted_submits += 1

    def counts(self) -> dict[str, Any]:
        """Calls received by kind (the seldom ones once there was one), and submits accepted."""
        with self._condition:
            seldom = {kind: self._received[kind] for kind in KINDS if self._received[kind]}
            calls = {kind: self._received[kind] for kind in COUNTED} | seldom
            return {"calls": calls, "accepted_submits": self._accepted_submits}

    def calls(self) -> list[Call]:
        """The calls that are remembered, oldest first."""
        with self._condition:
            return [copy.copy(call) for call, _ in self._calls]

    def keep_back(self, kind: str, order: Order) -> bool:
        """Wait as the order says; False when the stand-in ended meanwhile."""
        with self._condition:
            held = self._held
            if order.delay_s:
                self.wait(order.delay_s)
            if order.hold and self._held is held:
                self.hold(kind)
            return not self._stopped

    def wait(self, seconds: float) -> bool:
        """Wait that long, or until a reset; False when the stand-in ended meanwhile."""
        with self._condition:
            held = self._held
            self._condition.wait_for(lambda: self._stopped or self._held is not held, seconds)
            return not self._stopped

    def hold(self, kind: str) -> bool:
        """Wait for the release of this kind, or a reset; False when the stand-in ended."""
        with self._condition:
            ticket = object()
            self._held[kind].add(ticket)
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._stopped or ticket not in self._held[kind])
            return not self._stopped

    def release(self, kind: str) -> None:
        """Let the held calls of this kind have their answers."""
        with self._condition:
            if not self._held[kind]:
                raise NothingHeldError(f"No call of kind {kind} is held at the moment.")
            self._held[kind].clear()
            self._condition.notify_all()

    def wait_held(self, kind: str, timeout: float) -> None:
        """Wait until a call of this kind is held; `TimeoutError` when none came in time."""
        with self._condition:
            if not self._condition.wait_for(lambda: self._held[kind], timeout):
                raise TimeoutError(f"no call of kind {kind} was held within {timeout} s")
