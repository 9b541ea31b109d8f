"""Where this machine's Chromium is, and how it is started for tests and pictures."""

import os
import shutil
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


def find() -> str | None:
    """The path of a Chromium: $CHROMIUM, else one of the usual names."""
    wanted = os.environ.get("CHROMIUM")
    for name in (wanted,) if wanted else NAMES:
        if path := shutil.which(name):
            return path
    return None


def launch_options() -> dict[str, Any]:
    """What Playwright is told to start it: quiet, and without its sandbox for root alone."""
    as_root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    return {"executable_path": find(), "args": [*FLAGS, *as_root]}
