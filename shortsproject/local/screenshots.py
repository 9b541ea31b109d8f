"""Take pictures of every page: wide and narrow, light and dark, in both languages.

Starts servers of its own with a showcase account in them, spends nothing, and stops them again. The
pictures come to LOCAL_DIR/screenshots, and the three that the README shows to docs/pictures. Needs
what the tests need: the packages of requirements-dev.txt and a Chromium.
"""

import io
import itertools
import logging
import os
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from shortsproject.local import children, chromium, files, plan, postgres, processes, valkey
from shortsproject.local.gemini import StandIn
from shortsproject.startup import configure

WIDTHS = {"1280": 1280, "390": 390}
THEMES = ("light", "dark")
LANGUAGES = ("en", "ko")
EMAIL, PASSWORD = "mina@example.org", "correct horse battery"
READY_SECONDS = 30
README = {"studio": "studio", "short": "short-ready", "usage": "usage"}
README_DIR = files.REPOSITORY / "docs" / "pictures"
MOST_BYTES = 150_000
STRANGERS = {
    "landing": "/",
    "log-in": "/accounts/login/",
    "sign-up": "/accounts/signup/",
    "password-reset": "/accounts/password/reset/",
}
OWNERS = {
    "studio": "/",
    "history": "/shorts",
    "usage": "/usage",
    "account": "/account",
    "account-keys": "/account/keys",
    "account-preferences": "/account/preferences",
    "account-notices": "/accounts/notices/",
    "account-e-mail": "/accounts/email/",
    "account-password": "/accounts/password/change/",
    "account-second-factor": "/accounts/2fa/",
    "account-sessions": "/accounts/sessions/",
    "account-close": "/account/close",
}


def main() -> int:
    folder = files.local_dir() / "screenshots"
    try:
        if not chromium.find():
            raise processes.LocalError("There is no Chromium: set CHROMIUM.")
        shutil.rmtree(folder, ignore_errors=True)
        with _site(folder / "stack") as (url, shorts):
            taken = take_all(url=url, shorts=shorts, folder=folder)
        write_readme_pictures(folder)
    except processes.LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{taken} pictures in {folder}, {len(README)} in {README_DIR}")
    return 0


@contextmanager
def _site(local_dir: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """A web server with the showcase in its database: its address, and paths of shorts by name."""
    (local_dir / "log").mkdir(parents=True)
    os.environ["LOCAL_DIR"] = str(local_dir)
    environment = plan.for_demo().environment
    try:
        with StandIn(render_seconds=0.3) as stand_in:
            environment["DATABASE_URL"] = postgres.start(local_dir, durable=False)
            environment["REDIS_URL"] = valkey.start(local_dir)
            environment["GEMINI_BASE_URL"] = stand_in.url
            os.environ.update(environment)
            shorts = _fill(stand_in)
            with _web(environment, local_dir) as url:
                yield url, shorts
    finally:
        valkey.stop(local_dir)
        postgres.stop(local_dir)
        postgres.discard(postgres.place_for(local_dir))
        shutil.rmtree(local_dir)


def _fill(stand_in: StandIn) -> dict[str, str]:
    """Make tables, the person and their shorts, in this process. Returns paths by name."""
    configure()
    logging.disable(logging.INFO)
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connections

    from accounts.models import User
    from shortsproject.local import prepare, showcase

    call_command("migrate", interactive=False, verbosity=0)
    user = User.objects.create_user(EMAIL, PASSWORD)
    prepare.confirm_address(user)
    shorts = showcase.tell(user=user, stand_in=stand_in)
    connections.close_all()
    return {f"short-{name}": f"/shorts/{short.pk}" for name, short in shorts.items() if name}


@contextmanager
def _web(environment: Mapping[str, str], local_dir: Path) -> Iterator[str]:
    """The web server, until the block ends. Raises LocalError if it does not serve."""
    port = processes.free_port()
    url = f"http://{processes.LOOPBACK}:{port}"
    command = [
        sys.executable, "-m", "gunicorn", "shortsproject.wsgi:application", "--threads", "8",
        "--bind", f"{processes.LOOPBACK}:{port}", "--no-control-socket",
    ]  # fmt: skip
    server = children.spawn(command, environment, local_dir / "log" / "shorts.log")
    try:
        _wait_until_it_serves(url)
        yield url
    finally:
        server.terminate()
        server.wait()


def _wait_until_it_serves(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while True:
        try:
            with urllib.request.urlopen(f"{url}/accounts/login/", timeout=5):
                return
        except (urllib.error.URLError, OSError) as error:
            if time.monotonic() > deadline:
                raise processes.LocalError(f"The web server does not serve: {error}") from error
            time.sleep(0.1)


def take_all(*, url: str, shorts: Mapping[str, str], folder: Path) -> int:
    """Every page in every look, into folder/LANGUAGE-THEME-WIDTH/. Returns how many."""
    taken = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.launch_options())
        for look in itertools.product(LANGUAGES, THEMES, WIDTHS):
            context = _visitor(browser, url, *look)
            taken += _take(context, STRANGERS, folder / "-".join(look))
            _log_in(context)
            taken += _take(context, {**OWNERS, **shorts}, folder / "-".join(look))
            context.close()
        browser.close()
    return taken


def _visitor(browser: Browser, url: str, language: str, theme: str, width: str) -> BrowserContext:
    return browser.new_context(
        base_url=url,
        locale=language,
        color_scheme="dark" if theme == "dark" else "light",
        viewport={"width": WIDTHS[width], "height": 844},
        timezone_id="Asia/Seoul",
        reduced_motion="reduce",
    )


def _log_in(context: BrowserContext) -> None:
    page = context.new_page()
    page.goto("/accounts/login/")
    page.fill("input[name=login]", EMAIL)
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/")
    page.close()


def _take(context: BrowserContext, pages: Mapping[str, str], folder: Path) -> int:
    page = context.new_page()
    for name, path in pages.items():
        page.goto(path, wait_until="networkidle")
        _load_pictures(page)
        page.screenshot(
            path=folder / f"{name}.png", full_page=True, animations="disabled", caret="hide"
        )
    page.close()
    return len(pages)


def _load_pictures(page: Page) -> None:
    """Pictures below the fold, which come only when they are near, and the first of each film."""
    page.evaluate(
        """() => Promise.all([
            ...[...document.images].map(image => {
                image.loading = 'eager';
                return image.decode().catch(() => null);
            }),
            ...[...document.querySelectorAll('video')].map(film => new Promise(done => {
                film.addEventListener('canplay', () => setTimeout(done, 300));
                film.preload = 'auto';
                film.load();
            })),
        ])"""
    )


def write_readme_pictures(folder: Path) -> None:
    """The README's three, light, wide and in English. Raises LocalError if one is too heavy."""
    README_DIR.mkdir(parents=True, exist_ok=True)
    for name, page in README.items():
        output = io.BytesIO()
        with Image.open(folder / "en-light-1280" / f"{page}.png") as picture:
            picture.convert("RGB").save(output, "WEBP", quality=80, method=6)
        if output.tell() > MOST_BYTES:
            raise processes.LocalError(f"{name}.webp is heavier than {MOST_BYTES} bytes.")
        (README_DIR / f"{name}.webp").write_bytes(output.getvalue())


if __name__ == "__main__":
    sys.exit(main())
