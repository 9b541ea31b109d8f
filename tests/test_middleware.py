"""What every answer carries: its id, and what browsers may not do; and where htmx is led."""

import logging
from typing import Any

import pytest
from django.test import Client
from structlog import contextvars

from accounts.models import User

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/usage?unit=usd"}


def test_an_answer_has_an_id_of_its_own(client: Client, db: None) -> None:
    first, second = client.get("/accounts/login/"), client.get("/accounts/login/")

    assert len(first["X-Request-ID"]) == 32
    assert first["X-Request-ID"] != second["X-Request-ID"]


def test_an_id_that_a_proxy_gave_is_kept(client: Client, db: None) -> None:
    answer = client.get("/accounts/login/", headers={"X-Request-ID": "0a1b-2c3d.4E5F"})

    assert answer["X-Request-ID"] == "0a1b-2c3d.4E5F"


@pytest.mark.parametrize("given", ["short", "a" * 129, "line\\nbreak-in-it", "<b>not an id</b>"])
def test_what_is_no_id_is_replaced(client: Client, db: None, given: str) -> None:
    answer = client.get("/accounts/login/", headers={"X-Request-ID": given})

    assert answer["X-Request-ID"] != given


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_under_api_a_slash_at_the_end_changes_nothing(
    client: Client, alice: User, method: str
) -> None:
    client.force_login(alice)

    with_slash, without = (getattr(client, method)(f"/api/usage{end}") for end in ("/", ""))

    assert with_slash.status_code == without.status_code
    assert with_slash.content == without.content


def test_under_api_what_is_not_there_is_not_there_with_a_slash_either(client: Client) -> None:
    answers = [client.get(path) for path in ("/api/", "/api/nothing/", "/api/usage//")]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert {answer.json()["code"] for answer in answers} == {"not_found"}


def test_the_id_stands_in_the_log_lines_of_the_request(client: Client, db: None) -> None:
    seen: list[Any] = []
    handler = logging.Handler()
    handler.emit = lambda record: seen.append(  # type: ignore[method-assign]  # the test listens
        contextvars.get_contextvars().get("request_id")
    )
    logging.getLogger("django.request").addHandler(handler)

    answer = client.get("/nothing")
    logging.getLogger("django.request").removeHandler(handler)

    assert seen == [answer["X-Request-ID"]]


@pytest.mark.parametrize("path", ["/accounts/login/", "/api/usage", "/robots.txt", "/nothing"])
def test_browsers_are_kept_from_what_no_page_needs(client: Client, db: None, path: str) -> None:
    answer = client.get(path)

    assert "camera=()" in answer["Permissions-Policy"]
    assert "geolocation=()" in answer["Permissions-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"


def test_a_part_of_a_page_leads_to_the_log_in_once_the_session_is_over(
    client: Client, db: None
) -> None:
    answer = client.get("/usage", headers=HTMX)

    assert answer.status_code == 200
    assert answer["HX-Redirect"] == "/accounts/login/?next=%2Fusage%3Funit%3Dusd"
    assert answer.content == b""


def test_htmx_on_a_page_of_somebody_else_leads_back_to_the_start(client: Client, db: None) -> None:
    answer = client.get("/usage", headers={**HTMX, "HX-Current-URL": "https://evil.example/x"})

    assert answer["HX-Redirect"] == "/accounts/login/?next=%2F"


def test_other_redirects_are_left_alone(client: Client, alice: User) -> None:
    client.force_login(alice)

    answer = client.get("/admin", headers=HTMX)

    assert (answer.status_code, answer["Location"]) == (302, "/admin/")
