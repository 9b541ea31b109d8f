"""README, docs and .env.example name what the code has: settings, commands, alarms, errors."""

import re
from pathlib import Path

from django.conf import settings

from shortsproject import api_errors

APPS = ("accounts", "generation", "metering", "shortsproject")
READ = re.compile(r'\b(?:environment\.\w+|required)\(\s*["\']([A-Z_]+)["\']')
# Read before .env is, or not by the settings.
LOCAL_ONLY = {"LOCAL_DIR"}
OF_THE_LOCAL_STACK = {"CHROMIUM", "STANDIN_RENDER_SECONDS"}


def words_of(path: str) -> str:
    return (settings.BASE_DIR / path).read_text(encoding="utf-8")


def code() -> list[str]:
    files = [path for app in APPS for path in (settings.BASE_DIR / app).rglob("*.py")]
    return [path.read_text(encoding="utf-8") for path in files if "/local/" not in str(path)]


def first_cells(path: str) -> set[str]:
    """What the tables of a page name in the first cell of a row."""
    cells = re.findall(r"^\| (`[^|]*) \|", words_of(path), re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_setting_stands_in_the_readme() -> None:
    read = set(READ.findall(words_of("shortsproject/settings.py")))

    assert first_cells("README.md") == read | OF_THE_LOCAL_STACK


def test_every_setting_stands_in_the_example_of_an_environment() -> None:
    read = set(READ.findall(words_of("shortsproject/settings.py")))

    named = set(re.findall(r"^#([A-Z_]+)=", words_of(".env.example"), re.MULTILINE))

    assert named == (read | OF_THE_LOCAL_STACK) - LOCAL_ONLY


def test_every_default_number_is_the_one_in_the_readme() -> None:
    given = dict(re.findall(r"^\| `(\w+)` \| (\d+) \|", words_of("README.md"), re.MULTILINE))
    numbers = re.findall(
        r'number\(\s*"(\w+)", default="(\d+)", kind', words_of("shortsproject/settings.py")
    )

    assert {name: given.get(name) for name, _number in numbers} == dict(numbers)


def test_every_command_stands_in_the_readme() -> None:
    files = settings.BASE_DIR.glob("*/management/commands/[a-z]*.py")

    assert set(re.findall(r"manage\.py (\w+)", words_of("README.md"))) == {
        Path(file).stem for file in files
    }


def test_every_alarm_in_the_log_is_explained() -> None:
    alarms = {text for one in code() for text in re.findall(r'log\.error\(\s*"([^"]+)"', one)}

    assert alarms
    assert alarms - first_cells("docs/operating.md") == set()


def test_every_error_of_the_api_is_documented() -> None:
    _before, _heading, errors = words_of("docs/api.md").partition("## Errors")
    rows = re.findall(r"^\| (\d{3}[\d, ]*) \| (.*) \|$", errors, re.MULTILINE)

    named = {name for _status, codes in rows for name in re.findall(r"`([a-z_]+)`", codes)}

    assert set(api_errors.TITLES) - named == {"throttled"}
