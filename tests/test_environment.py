"""What the environment may say, and what a person is told where it makes no sense."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from shortsproject import environment

DATABASE = "postgresql://user:secret@db.example.org:5433/shorts"


def amount(name: str) -> Decimal:
    return environment.number(name, default="1", kind=Decimal)


def count(name: str) -> int:
    return environment.number(name, default="3", kind=int, least=1, most=20)


def flag(name: str) -> bool:
    return environment.flag(name, default=True)


def language(name: str) -> str:
    return environment.choice(name, default="ko", among=("ko", "en"))


def zone(name: str) -> str:
    return environment.time_zone(name, default="Asia/Seoul")


def broker(name: str) -> str:
    return environment.broker(name, "redis://127.0.0.1:6379/0")


def database(name: str) -> str:
    return str(environment.database(name, DATABASE)["HOST"])


def mail(name: str) -> Any:
    return environment.mail(name)["EMAIL_HOST"]


@pytest.mark.parametrize(
    ("read", "value", "meant"),
    [
        (environment.text, " $ecret ", "$ecret"),
        (environment.words, "a.example.org, b.example.org,", ["a.example.org", "b.example.org"]),
        (environment.web_url, "https://proxy.example.org/", "https://proxy.example.org"),
        (amount, "12.50", Decimal("12.50")),
        (count, "20", 20),
        (flag, "False", False),
        (flag, "on", True),
        (language, "en", "en"),
        (zone, "Europe/Berlin", "Europe/Berlin"),
        (broker, "rediss://:secret@cache.example.org", "rediss://:secret@cache.example.org"),
        (database, "postgres://u:p%23w@other.example.org/n", "other.example.org"),
        (mail, "smtp+tls://u:p@mail.example.org:587", "mail.example.org"),
    ],
)
def test_a_value_is_taken_for_what_it_means(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object], value: str, meant: object
) -> None:
    monkeypatch.setenv("GIVEN", value)

    assert read("GIVEN") == meant


@pytest.mark.parametrize(
    ("read", "default"),
    [
        (environment.words, []),
        (environment.web_url, ""),
        (count, 3),
        (flag, True),
        (language, "ko"),
        (zone, "Asia/Seoul"),
        (broker, "redis://127.0.0.1:6379/0"),
        (database, "db.example.org"),
        (mail, None),
    ],
)
def test_an_empty_value_is_as_good_as_none(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object], default: object
) -> None:
    monkeypatch.setenv("GIVEN", "")

    assert read("GIVEN") == default


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (amount, "NaN"),
        (amount, "-1"),
        (amount, "10 dollars"),
        (count, "21"),
        (count, "2.5"),
        (flag, "perhaps"),
        (language, "fr"),
        (zone, "Mars/Olympus"),
        (zone, "../etc/passwd"),
    ],
)
def test_a_value_that_makes_no_sense_is_named_and_repeated(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object], value: str
) -> None:
    monkeypatch.setenv("GIVEN", value)

    with pytest.raises(ImproperlyConfigured, match=f"^GIVEN .*'{value}'"):
        read("GIVEN")


@pytest.mark.parametrize(
    ("read", "value"),
    [
        (environment.web_url, "secret.example.org"),
        (environment.web_url, "ftp://secret.example.org"),
        (environment.web_url, "https://[secret"),
        (broker, "http://:secret@127.0.0.1:6379/0"),
        (broker, "redis://:secret@127.0.0.1:many/0"),
        (broker, "redis://:secret@127.0.0.1:6379/first"),
        (database, "secret"),
        (database, "mysql://user:secret@127.0.0.1/shorts"),
        (database, "postgresql://user:secret@127.0.0.1:many/shorts"),
        (database, "postgresql://user:secret@127.0.0.1"),
        (mail, "secret"),
        (mail, "smtp://user:secret@127.0.0.1:many"),
    ],
)
def test_an_address_that_makes_no_sense_is_named_and_never_repeated(
    monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object], value: str
) -> None:
    monkeypatch.setenv("GIVEN", value)

    with pytest.raises(ImproperlyConfigured, match=r"^GIVEN is no address like ") as refused:
        read("GIVEN")

    assert "secret" not in str(refused.value)
