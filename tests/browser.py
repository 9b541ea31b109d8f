"""Pytest plugin: where the real browser is, and what happens to its tests where there is none."""

import os
import shutil

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str | None:
    """The path of a Chromium: $CHROMIUM, else one of the usual names."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        if path := shutil.which(name):
            return path
    return None


def pytest_configure() -> None:
    if os.environ.get("REQUIRE_BROWSER") == "1" and not chromium():
        raise pytest.UsageError("REQUIRE_BROWSER=1, but there is no Chromium: set CHROMIUM.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if chromium():
        return
    dropped = [item for item in items if item.get_closest_marker("browser")]
    items[:] = [item for item in items if item not in dropped]
    config.hook.pytest_deselected(items=dropped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not chromium():
        terminalreporter.write_line("No Chromium (set CHROMIUM): browser tests are deselected.")
