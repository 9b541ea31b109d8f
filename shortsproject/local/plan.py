"""What a local stack is made of: which servers, which route to Gemini, which environment."""

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import environ

from shortsproject.local import files, processes

ROUTE = ("GOOGLE_CLOUD_PROJECT", "GEMINI_API_KEY", "GEMINI_BASE_URL")
DEMO = {
    # Empty rather than absent: an absent variable may come back from .env.
    "GOOGLE_CLOUD_PROJECT": "",
    "GEMINI_API_KEY": "",
    "STORAGE_URL": "",
    "EMAIL_URL": "consolemail://",
    "DAILY_SPEND_LIMIT_USD": "",
    "DEFAULT_TOKEN_LIMIT": "10000",
    "DEFAULT_MAX_IN_FLIGHT": "3",
}
LONGEST_RENDER_SECONDS = 3600
LOCAL_HOSTS = "localhost,127.0.0.1,[::1]"


@dataclass
class Plan:
    """One stack. `environment` is what its processes get; the stack adds the servers' URLs."""

    local_dir: Path
    port: int
    stand_in: bool
    environment: dict[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"http://{processes.LOOPBACK}:{self.port}"

    @property
    def route(self) -> str:
        """Who makes the videos, for the person at the terminal."""
        if self.stand_in:
            return "the local stand-in (nothing is spent)"
        name = next(name for name in ROUTE if self.environment.get(name))
        where = self.environment[name] if name != "GEMINI_API_KEY" else "the developer API"
        return f"{name}: {where} (this spends real money)"


def for_run() -> Plan:
    """The stack as it is configured, by the environment and .env."""
    local_dir = files.make_local_dir()
    environ.Env.read_env(files.REPOSITORY / ".env")
    environment = dict(os.environ)
    stand_in = not any(environment.get(name) for name in ROUTE)
    if stand_in:
        environment = without_proxies(environment)
    port = _port(environment.get("PORT") or "8000")
    return Plan(local_dir, port, stand_in, _for_children(environment, local_dir))


def for_demo() -> Plan:
    """A stack that cannot spend: always the stand-in, and a free port unless PORT is given."""
    local_dir = files.make_local_dir()
    environment = without_routes(without_proxies(os.environ)) | DEMO
    port = _port(environment.get("PORT") or str(processes.free_port()))
    return Plan(local_dir, port, True, _for_children(environment, local_dir))


def without_routes(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without any way to Google."""
    kept = environment.items()
    return {name: value for name, value in kept if not name.startswith(("GOOGLE_", "GEMINI_"))}


def without_proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without proxies, which would stand between us and our own loopback."""
    kept = environment.items()
    return {name: value for name, value in kept if not name.lower().endswith("_proxy")}


def _for_children(environment: Mapping[str, str], local_dir: Path) -> dict[str, str]:
    # Unbuffered, a printed line and its end are two writes, and another process may come between.
    dropped = ("GUNICORN_CMD_ARGS", "PYTHONUNBUFFERED")
    kept = {name: value for name, value in environment.items() if name not in dropped}
    _check_render_seconds(kept.get("STANDIN_RENDER_SECONDS") or "0")
    hosts = [kept.get("ALLOWED_HOSTS", ""), LOCAL_HOSTS]
    return kept | {
        "DEBUG": "1",
        "SECRET_KEY": files.secret(local_dir / "secret_key"),
        "ALLOWED_HOSTS": ",".join(filter(None, hosts)),
        "LOCAL_DIR": str(local_dir),
        "DJANGO_SETTINGS_MODULE": "shortsproject.settings",
        "PYTHONUTF8": "1",
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", os.defpath)]),
    }


def _check_render_seconds(text: str) -> None:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST_RENDER_SECONDS:
        most = f"{LONGEST_RENDER_SECONDS:,}"
        raise processes.LocalError(
            f"STANDIN_RENDER_SECONDS is a number from 0 to {most}, not {text!r}."
        )


def _port(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise processes.LocalError(f"PORT is a number from 1 to 65535, not {text!r}.")
    return int(text)
