"""What programs look for at fixed addresses."""

from urllib.robotparser import RobotFileParser

import pytest
from django.test import Client


@pytest.mark.parametrize(
    ("path", "open_to_all"),
    [
        ("/", True),
        ("/api/docs", True),
        ("/static/favicon.svg", True),
        ("/api/shorts", False),
        ("/shorts/0199e2a0-0000-7000-8000-000000000000", False),
        ("/usage", False),
        ("/account", False),
        ("/accounts/login/", False),
        ("/admin/", False),
    ],
)
def test_search_engines_find_what_is_nobodys_own(
    client: Client, path: str, open_to_all: bool
) -> None:
    answer = client.get("/robots.txt")
    robots = RobotFileParser()
    robots.parse(answer.content.decode().splitlines())

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert robots.can_fetch("AnyBot", path) is open_to_all


def test_password_managers_find_where_a_password_is_changed(client: Client) -> None:
    answer = client.get("/.well-known/change-password")

    assert (answer.status_code, answer["Location"]) == (302, "/accounts/password/change/")
