"""Without something that it needs the program says so in one sentence and does not start."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

WHOLE = {
    "DEBUG": "0",
    "SECRET_KEY": "only-for-tests",
    "ALLOWED_HOSTS": "shorts.example.org",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "GEMINI_BASE_URL": "http://127.0.0.1:1",
    "GOOGLE_CLOUD_PROJECT": "",
    "GEMINI_API_KEY": "",
}


def start(folder: Path, *command: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """Run a program with everything that production needs, less what is changed."""
    environment = {
        **os.environ,
        **WHOLE,
        "DJANGO_SETTINGS_MODULE": "shortsproject.settings",
        "LOCAL_DIR": str(folder),
        **changed,
    }
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=60
    )


def test_with_everything_set_the_checks_pass(tmp_path: Path) -> None:
    done = start(tmp_path, "manage.py", "check")

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "missing", ["SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "GEMINI_BASE_URL"]
)
def test_what_is_missing_is_named_in_one_line(tmp_path: Path, missing: str) -> None:
    done = start(tmp_path, "manage.py", "check", **{missing: ""})

    named = "GOOGLE_CLOUD_PROJECT" if missing == "GEMINI_BASE_URL" else missing
    assert done.returncode == 1
    assert done.stderr.startswith("Shorts cannot start: ")
    assert named in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command", ["verify_ledger", "migrate", "create_api_key ann@example.com --name n"]
)
def test_a_command_whose_database_is_away_says_so_in_one_line(tmp_path: Path, command: str) -> None:
    done = start(tmp_path, "manage.py", *command.split())

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("The database can't be used: connection failed: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("route", ["GEMINI_API_KEY", "GOOGLE_CLOUD_PROJECT"])
def test_one_route_to_gemini_is_enough(tmp_path: Path, route: str) -> None:
    done = start(tmp_path, "manage.py", "check", **{"GEMINI_BASE_URL": "", route: "given"})

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_HOSTS", " , "),
        ("DATABASE_URL", "mysql://127.0.0.1/shorts"),
        ("REDIS_URL", "127.0.0.1"),
        ("EMAIL_URL", "mail.example.org"),
        ("GEMINI_BASE_URL", "127.0.0.1"),
        ("SITE_URL", "shorts.example.org"),
        ("PORT", "http"),
        ("SIGNUP_OPEN", "perhaps"),
        ("QUOTA_TIME_ZONE", "Mars/Olympus"),
        ("DEFAULT_TOKEN_LIMIT", "-1"),
        ("DAILY_SPEND_LIMIT_USD", "NaN"),
        ("LOG_LANGUAGE", "fr"),
        ("STORAGE_URL", "s3://key:sec/ret@s3.example.org/shorts"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, "manage.py", "check", **{name: value})

    assert done.returncode == 1
    assert done.stderr.startswith(f"Shorts cannot start: {name} ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "celery", "-A", "shortsproject", "worker"],
        ["-m", "celery", "-A", "shortsproject", "beat"],
        ["-m", "gunicorn", "shortsproject.wsgi", "--no-control-socket", "--bind", "127.0.0.1:0"],
    ],
    ids=["worker", "beat", "web"],
)
def test_no_process_starts_without_a_secret(tmp_path: Path, command: list[str]) -> None:
    done = start(tmp_path, *command, SECRET_KEY="")

    sentence = "Shorts cannot start: SECRET_KEY is not set (see .env.example).\n"
    assert (done.returncode, done.stderr) == (1, sentence)
