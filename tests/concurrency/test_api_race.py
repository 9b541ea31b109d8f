"""Sixty-four requests at the same instant, from separate processes, against real web workers."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import ApiKey, User
from generation.models import Short
from metering import queries, staff
from metering.models import Hold
from tests import pictures
from tests.processes import Stack

pytestmark = pytest.mark.django_db(transaction=True)

PROCESSES, EACH = 16, 4


def answers(url: str, user: User, folder: Path, *, key: str = "") -> Counter[tuple[int, str]]:
    """How many of each status and code came back to 64 requests that were sent at once."""
    _, token = ApiKey.objects.create(user=user, name="race")
    picture = folder / "race.jpg"
    picture.write_bytes(pictures.jpeg(width=160, height=90))
    command = [sys.executable, "-m", "tests.concurrency.client", f"{url}/api/shorts/generate"]
    clients = [
        subprocess.Popen(
            [*command, token, str(picture), str(EACH), key],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(PROCESSES)
    ]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
    outputs = [client.communicate(b"go\n")[0] for client in clients]
    return Counter(tuple(pair) for output in outputs for pair in json.loads(output))


def test_a_limit_for_ten_admits_exactly_ten(alice: User, stack: Stack, tmp_path: Path) -> None:
    staff.set_limit(
        user=alice, tokens=15_000, max_in_flight=100, actor=None, reason="race", at=timezone.now()
    )

    result = answers(stack.web(), alice, tmp_path)

    assert result == {(202, ""): 10, (403, "token_limit_exceeded"): 54}
    assert Short.objects.count() == 10
    assert Hold.objects.count() == 20
    assert queries.balance(user=alice, at=timezone.now()).available_tokens == 0


def test_three_places_admit_exactly_three(alice: User, stack: Stack, tmp_path: Path) -> None:
    staff.set_limit(user=alice, tokens=None, actor=None, reason="race", at=timezone.now())

    result = answers(stack.web(), alice, tmp_path)

    assert result == {(202, ""): 3, (429, "too_many_in_flight"): 61}
    assert queries.balance(user=alice, at=timezone.now()).in_flight == 3


def test_one_key_sent_sixty_four_times_is_one_short(
    alice: User, stack: Stack, tmp_path: Path
) -> None:
    result = answers(stack.web(), alice, tmp_path, key="the-same")

    assert result == {(202, ""): 64}
    assert Short.objects.count() == 1
    assert queries.balance(user=alice, at=timezone.now()).held_tokens == 1500
