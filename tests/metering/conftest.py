"""Users whose ledgers are older than any instant that these tests name."""

from collections.abc import Callable

import pytest

from accounts.models import User
from tests import factories


@pytest.fixture
def make_user(make_user: Callable[..., User]) -> Callable[..., User]:
    """Makes a user by name whose ledger was opened on 1 January 2026."""

    def make(name: str, **fields: object) -> User:
        return factories.open_since(make_user(name, **fields))

    return make
