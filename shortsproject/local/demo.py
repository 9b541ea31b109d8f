"""From a picture to a video through the public API, as a user nobody has used yet.

Starts the stack if none runs in this LOCAL_DIR, and then stops it again. Spends nothing unless
REAL=1 is set and somebody at the terminal says yes. The last line printed is the video's path.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from shortsproject.local import api_client, children, files, plan, processes, sample, stack
from shortsproject.local.demo_output import Progress, log_lines, print_receipt

STAND_IN_SECONDS, REAL_SECONDS = 120, 1200
MOST_PICTURE_BYTES = 20 * 1024 * 1024
FINAL = ("succeeded", "filtered", "failed", "lost", "canceled")
PRICE = "One short costs $1.20 by the tariff: 1,500 tokens are held, the analysis included."


class RunningStack:
    """The stack the demo talks to: the one that runs already, or one of its own."""

    def __init__(self, *, real: bool) -> None:
        self.local_dir = files.local_dir()
        self.environment = dict(os.environ) if real else plan.for_demo().environment
        self.real = real
        self._supervisor: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> "RunningStack":
        try:
            self.url = self._find() or self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        if self._supervisor:
            self._supervisor.terminate()
            reason = self._supervisor.communicate()[1].strip()
            if self._supervisor.returncode == 1:
                raise processes.LocalError(reason)

    def _find(self) -> str:
        """The URL of the stack that runs, once it serves, or nothing if none runs."""
        url = stack.url_of_running(self.local_dir)
        if not url:
            return ""
        if stack.has_stand_in(self.local_dir) == self.real:
            kind = "without" if self.real else "with"
            raise processes.LocalError(
                f"The stack that runs in {self.local_dir} was not started {kind} the stand-in:"
                " end it with make stop, or choose another LOCAL_DIR."
            )
        print(f"Using the stack that runs at {url}", flush=True)
        return url

    def _start(self) -> str:
        print("Starting PostgreSQL, Valkey, web, worker and beat …", flush=True)
        mode = "--quiet" if self.real else "--demo"
        self._supervisor = subprocess.Popen(
            [sys.executable, "-m", "shortsproject.local.stack", "run", mode],
            cwd=files.REPOSITORY,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=children.end_with_parent(),
        )
        assert self._supervisor.stdout
        for line in self._supervisor.stdout:
            if line.startswith("ready "):
                return line.split()[1]
        self._supervisor.wait()
        raise processes.LocalError("The stack was stopped before it served.")

    def command(self, *arguments: str) -> str:
        """Run a Python program that acts on this stack. Returns its last line."""
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=files.REPOSITORY,
            env=self._environment_of_commands(),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise processes.LocalError(f"{' '.join(arguments)}: {done.stdout}{done.stderr}".strip())
        return done.stdout.strip().rpartition("\n")[2]

    def _environment_of_commands(self) -> dict[str, str]:
        """Ours, but for the servers: where those are, stack.env says."""
        servers = ("DATABASE_URL", "REDIS_URL", "GEMINI_BASE_URL")
        kept = {name: self.environment[name] for name in self.environment if name not in servers}
        return kept | {"LOCAL_DIR": str(self.local_dir), "DEBUG": "1", "PYTHONUTF8": "1"}


def main() -> int:
    # Also where a shell has told us to ignore Ctrl-C, as it does for what runs in the background.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    real = os.environ.get("REAL", "") not in ("", "0")
    try:
        name, picture = the_picture(os.environ.get("IMAGE", ""))
        if real:
            ask_before_spending()
        with one_at_a_time(), RunningStack(real=real) as running:
            video = make_video(running, name, picture)
    except processes.LocalError as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"The demo cannot go on: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(video)
    return 0


def the_picture(wanted: str) -> tuple[str, bytes]:
    """Name and bytes of the picture, found from where make was called."""
    if not wanted:
        return "lake.jpg", sample.picture()
    # With `make -C`, the caller's folder is not ours; make tells it as CALLED_FROM.
    folders = [Path.cwd(), Path(os.environ.get("CALLED_FROM", "."))]
    for path in [folder / os.path.expanduser(wanted) for folder in folders]:
        if path.is_file():
            return path.name, read_picture(path)
        if path.is_dir():
            raise processes.LocalError(f"{path} is a folder; IMAGE takes one picture.")
    raise processes.LocalError(f"There is no picture {wanted}.")


def read_picture(path: Path) -> bytes:
    """The bytes of the file. Raises LocalError, also where they are more than the API takes.

    The server does not wait for the end of such an upload, and its answer would be lost.
    """
    try:
        if path.stat().st_size > MOST_PICTURE_BYTES:
            limit = f"{MOST_PICTURE_BYTES >> 20} MB"
            raise processes.LocalError(f"{path} is too large. Make it smaller than {limit}.")
        return path.read_bytes()
    except OSError as error:
        raise processes.LocalError(f"{path} cannot be read: {error.strerror}.") from error


def ask_before_spending() -> None:
    """Go on only if a person at the terminal agrees to the price."""
    chosen = plan.for_run()
    if chosen.stand_in:
        raise processes.LocalError(
            "REAL=1 needs a way to Google: set GOOGLE_CLOUD_PROJECT or GEMINI_API_KEY."
        )
    if not sys.stdin.isatty():
        raise processes.LocalError("REAL=1 spends money and asks first, so it needs a terminal.")
    print(f"Videos are made by {chosen.route}.\n{PRICE}")
    print("Go on? [y/N] ", end="", flush=True)
    # At the end of the input there is no answer, which is a no.
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise processes.LocalError("Nothing was spent.")


def one_at_a_time() -> AbstractContextManager[None]:
    """The demos of one LOCAL_DIR after each other: the first would stop the stack of the second."""
    lock = files.make_local_dir() / "demo.lock"
    return files.locked(lock, waiting="Waiting for the other demo in this LOCAL_DIR …")


def make_video(running: RunningStack, name: str, picture: bytes) -> Path:
    """The whole way through. Returns where the video is."""
    key = running.command("-m", "shortsproject.local.prepare", "fresh-user")
    api = api_client.Api(running.url, key)
    log = running.local_dir / "log" / "shorts.log"
    log_position = log.stat().st_size
    try:
        short = api.generate(picture, name)
    except api_client.RefusedError as error:
        raise processes.LocalError(f"{name} was not accepted: {error}") from error
    short = wait_for_end(api, short, REAL_SECONDS if running.real else STAND_IN_SECONDS)
    if short["state"] != "succeeded":
        reason = (short.get("error") or {}).get("message") or "no reason given"
        raise processes.LocalError(f"The short ended as {short['state']}: {reason}")
    video = running.local_dir / "demo" / f"{short['id']}.mp4"
    api.download(short["video_url"], video)

    print("\n".join(log_lines(log, log_position, short["id"])), flush=True)
    print_receipt(short["receipt"])
    compare_with_ledger(api, short["receipt"])
    print(running.command("manage.py", "verify_ledger"), flush=True)
    return video


def wait_for_end(
    api: api_client.Api, short: dict[str, Any], patience_seconds: float
) -> dict[str, Any]:
    """Show the progress until the short is final."""
    deadline = time.monotonic() + patience_seconds
    with Progress() as progress:
        while short["state"] not in FINAL:
            if short["state"] == "submit_unknown" or time.monotonic() > deadline:
                raise processes.LocalError(
                    f"The short stays {short['state']}; log/shorts.log in LOCAL_DIR says why."
                )
            progress.show(short["progress"]["stage"], int(short["progress"]["percent"]))
            time.sleep(0.3)
            short = api.short(short["id"])
        progress.show(short["state"], 100)
    return short


def compare_with_ledger(api: api_client.Api, receipt: dict[str, Any]) -> None:
    """The user is new: the ledger must have used exactly what the receipt says."""
    used = api.usage()["balance"]["used_tokens"]
    charged = sum(leg["charged_tokens"] for leg in receipt["legs"])
    if not used == charged == receipt["charged_tokens"]:
        raise processes.LocalError(f"The receipt says {charged} tokens, the ledger {used}.")
    print(f"The ledger agrees: {used:,} tokens used.", flush=True)


if __name__ == "__main__":
    sys.exit(main())
