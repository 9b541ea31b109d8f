"""Whose turn it is to be submitted: what each video model has room for, and a fair line before it.

A model may be given so many renders at once and so many submits in any minute; both are counted
from the shorts, so all workers share them. Units: `room` and places in line are shorts.
Invariant: `take` decides in the transaction that claims the submit, under a lock of its own for
each model, so no two workers are given the same room. The lock is never held while a provider is
called, and never that of the gate's row, which every answer may want to change.

Fair is: who has fewest renders of the model under way, this one counted, comes first; then who has
waited longest. So the tenth short of one user waits behind the first of another.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import connection

from generation import catalog
from generation.catalog import VideoModel
from generation.models import Short, State
from metering import spending

MINUTE = timedelta(minutes=1)
# A submit without a clear answer may be rendering; by then it would be done.
UNKNOWN_COUNTS_FOR = timedelta(minutes=15)

# One row for a short in line, or for a model before which there is none: `which` of them. A closed
# model has room for everybody, because there they only end.
_RANKED = """
    WITH budget AS (
        SELECT known.route, known.model, gate.closed_at, gate.not_before,
               coalesce(gate.renders_at_once, %(renders)s) AS renders,
               coalesce(gate.submits_per_minute, %(submits)s) AS submits
          FROM unnest(%(routes)s::text[], %(models)s::text[]) AS known (route, model)
          LEFT JOIN generation_modelgate AS gate USING (route, model)
    ), busy AS (
        SELECT model, user_id, count(*) AS renders,
               count(*) FILTER (WHERE state = 'submitting') AS submitting
          FROM generation_short
         WHERE model = ANY(%(models)s) AND state IN ('submitting', 'submit_unknown', 'rendering')
           AND overdue_at IS NULL
           AND (state <> 'submit_unknown' OR submitted_at > %(unknown_since)s)
         GROUP BY model, user_id
    ), submitted AS (
        SELECT model, count(*) AS submits
          FROM generation_short
         WHERE model = ANY(%(models)s) AND submitted_at > %(minute_ago)s
         GROUP BY model
    ), counted AS (
        SELECT budget.*, coalesce(sum(busy.renders), 0) AS busy,
               coalesce(sum(busy.submitting), 0) + coalesce(min(submitted.submits), 0) AS recent
          FROM budget
          LEFT JOIN busy USING (model)
          LEFT JOIN submitted USING (model)
         GROUP BY budget.route, budget.model, budget.closed_at, budget.not_before, budget.renders,
                  budget.submits
    ), model_room AS (
        SELECT counted.*, CASE
               WHEN closed_at IS NOT NULL THEN 2147483647
               WHEN %(paused)s OR not_before > %(at)s THEN 0
               ELSE least(renders - busy, submits - recent) END AS room
          FROM counted
    ), waiting AS (
        SELECT id, model, user_id, created_at, next_attempt_at,
               row_number() OVER (PARTITION BY model, user_id ORDER BY created_at, id) AS nth
          FROM generation_short
         WHERE model = ANY(%(models)s) AND state = 'analyzed'
           AND (next_attempt_at IS NULL OR next_attempt_at <= statement_timestamp())
    ), line AS (
        SELECT waiting.id, model, waiting.next_attempt_at,
               count(*) OVER (PARTITION BY model) AS in_line,
               row_number() OVER (
                   PARTITION BY model
                   ORDER BY nth + coalesce(busy.renders, 0), waiting.created_at, waiting.id
               ) AS place
          FROM waiting LEFT JOIN busy USING (model, user_id)
    )
    SELECT line.id, line.place, model_room.room, model_room.not_before,
           model_room.route, model_room.model, model_room.busy, model_room.renders,
           model_room.recent, model_room.submits, coalesce(line.in_line, 0)
      FROM model_room LEFT JOIN line USING (model)
     WHERE CASE %(which)s
           WHEN 'these' THEN line.id = ANY(%(ids)s::uuid[])
           WHEN 'next up' THEN line.place <= model_room.room AND line.next_attempt_at IS NULL
           WHEN 'first' THEN coalesce(line.place, 1) = 1
           END
     ORDER BY line.place, line.id
     LIMIT %(most)s
"""


class NotYet(Exception):
    """There is no room for the short at its model, or others come before it."""


@dataclass(frozen=True)
class Place:
    """Where a short stands in line, 1 = next, and before when the provider wants no submit."""

    number: int
    not_before: datetime | None


@dataclass(frozen=True)
class Load:
    """What a model has to do and what it may be given: renders at once, submits in the last minute.

    `in_line` are the shorts that wait for their submit.
    """

    busy: int
    renders_at_once: int
    submits: int
    submits_per_minute: int
    in_line: int


class _Ranked(NamedTuple):
    """A row of the statement above."""

    short_id: UUID
    place: int
    room: int
    not_before: datetime | None
    route: str
    model: str
    busy: int
    renders_at_once: int
    recent: int
    submits_per_minute: int
    in_line: int


def take(*, short_id: UUID, model: VideoModel, at: datetime) -> None:
    """Take a short's turn, or raise NotYet. Belongs into the transaction that claims its submit."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
            [f"turn: {model.route}/{model.name}"],
        )
    paused = spending.submits_paused()
    found = _ranked(models=[model], at=at, which="these", ids=[short_id], paused=paused)
    if not found or found[0].place > found[0].room:
        raise NotYet(str(short_id))


def next_up(*, at: datetime, most: int) -> list[UUID]:
    """The shorts in line whose turn it is, `most` of them. Two queries, whatever waits."""
    paused = spending.submits_paused()
    rows = _ranked(models=catalog.MODELS, at=at, which="next up", most=most, paused=paused)
    return [row.short_id for row in rows]


def is_in_line(short: Short) -> bool:
    """Whether a short waits for its turn, and for nothing else."""
    return short.state == State.ANALYZED and short.next_attempt_at is None


def places(*, shorts: Collection[Short], at: datetime) -> dict[UUID, Place]:
    """The places of those shorts that are in line. One query, none if no short is."""
    in_line = [short for short in shorts if is_in_line(short)]
    names = {short.model for short in in_line}
    models = [model for model in catalog.MODELS if model.name in names]
    if not models:
        return {}
    rows = _ranked(models=models, at=at, which="these", ids=[short.pk for short in in_line])
    return {row.short_id: Place(row.place, row.not_before) for row in rows}


def loads(*, at: datetime) -> dict[tuple[str, str], Load]:
    """What every video model has to do, by route and name. One query."""
    rows = _ranked(models=catalog.MODELS, at=at, which="first")
    return {
        (row.route, row.model): Load(
            busy=int(row.busy),
            renders_at_once=row.renders_at_once,
            submits=int(row.recent),
            submits_per_minute=row.submits_per_minute,
            in_line=row.in_line,
        )
        for row in rows
    }


def _ranked(
    *, models: Sequence[VideoModel], at: datetime, which: str, **more: Any
) -> list[_Ranked]:
    given: dict[str, Any] = {
        "which": which,
        "ids": None,
        "most": None,
        "paused": False,
        "routes": [model.route for model in models],
        "models": [model.name for model in models],
        "renders": settings.PROVIDER_RENDERS_AT_ONCE,
        "submits": settings.PROVIDER_SUBMITS_PER_MINUTE,
        "at": at,
        "minute_ago": at - MINUTE,
        "unknown_since": at - UNKNOWN_COUNTS_FOR,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RANKED, given | more)
        return [_Ranked(*row) for row in cursor.fetchall()]
