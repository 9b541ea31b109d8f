"""Take pictures of every page (`sights.py`): wide and narrow, light and dark, in both languages.

Starts servers of its own with some people in them (`cast.py`), spends nothing, and stops them
again. The pictures come to LOCAL_DIR/screenshots, and the three that the README shows to
docs/pictures. Needs what the tests need: the packages of requirements-dev.txt and a Chromium.
"""

import io
import itertools
import logging
import os
import shutil
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from shortsproject.local import chromium, files, plan, postgres, processes, sights, valkey
from shortsproject.local.gemini import StandIn
from shortsproject.startup import configure

if TYPE_CHECKING:
    from shortsproject.local.cast import Cast

WIDTHS = {"1280": 1280, "390": 390}
THEMES = ("light", "dark")
LANGUAGES = ("en", "ko")
README = {"studio": "studio", "short": "short-ready", "usage": "usage"}
README_DIR = files.REPOSITORY / "docs" / "pictures"
MOST_BYTES = 150_000
PATIENCE_SECONDS = 90


def main() -> int:
    folder = files.local_dir() / "screenshots"
    try:
        if not chromium.find():
            raise processes.LocalError("There is no Chromium: set CHROMIUM.")
        shutil.rmtree(folder, ignore_errors=True)
        with _site(folder / "stack") as (url, cast):
            taken = take_all(url=url, cast=cast, folder=folder)
        write_readme_pictures(folder)
    except processes.LocalError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{taken} pictures in {folder}, {len(README)} in {README_DIR}")
    return 0


@contextmanager
def _site(local_dir: Path) -> Iterator[tuple[str, "Cast"]]:
    """A web server with all people in its database: its address, and what was made."""
    local_dir.mkdir(parents=True)
    os.environ["LOCAL_DIR"] = str(local_dir)
    environment = plan.for_demo().environment
    try:
        with StandIn(render_seconds=0.3) as stand_in:
            environment["DATABASE_URL"] = postgres.start(local_dir, durable=False)
            environment["REDIS_URL"] = valkey.start(local_dir)
            environment["GEMINI_BASE_URL"] = stand_in.url
            os.environ.update(environment)
            with _project():
                cast = _assemble(stand_in)
                with _web() as url:
                    yield url, cast
    finally:
        valkey.stop(local_dir)
        postgres.stop(local_dir)
        postgres.discard(postgres.place_for(local_dir))
        shutil.rmtree(local_dir)


@contextmanager
def _project() -> Iterator[None]:
    """The project in this process as people meet it: with pages for faults, and some faults."""
    configure()
    import django

    django.setup()
    from django.test.utils import override_settings

    logging.disable()
    mails = "django.core.mail.backends.locmem.EmailBackend"
    faulty = "shortsproject.local.faulty_urls"
    with override_settings(DEBUG=False, ROOT_URLCONF=faulty, EMAIL_BACKEND=mails):
        yield


def _assemble(stand_in: StandIn) -> "Cast":
    from django.core import mail
    from django.core.management import call_command
    from django.db import connections

    from shortsproject.local import cast

    call_command("migrate", interactive=False, verbosity=0)
    mail.outbox = []
    made = cast.assemble(stand_in=stand_in, languages=LANGUAGES)
    connections.close_all()
    return made


@contextmanager
def _web() -> Iterator[str]:
    """The web server, in threads of this process, until the block ends."""
    from django.core.servers import basehttp
    from django.core.wsgi import get_wsgi_application

    server = basehttp.ThreadedWSGIServer((processes.LOOPBACK, 0), basehttp.WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://{processes.LOOPBACK}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def take_all(*, url: str, cast: "Cast", folder: Path) -> int:
    """Every page in every look, into folder/LANGUAGE-THEME-WIDTH/. Returns how many."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium.launch_options())
        for language, (email, seen) in itertools.product(LANGUAGES, sights.SIGHTS.items()):
            context = _visitor(browser, url, language)
            page = context.new_page()
            if email:
                _log_in(page, email, cast=cast)
            for sight in seen:
                _go(page, sight, words=cast.words)
                _take(page, name=sight.name, language=language, folder=folder)
            context.close()
        for language, mails in cast.mails.items():
            page = _visitor(browser, url, language).new_page()
            for name, html in mails.items():
                page.set_content(html)
                _take(page, name=name, language=language, folder=folder)
        browser.close()
    return len(sights.NAMES) * len(LANGUAGES) * len(THEMES) * len(WIDTHS)


def _visitor(browser: Browser, url: str, language: str) -> BrowserContext:
    context = browser.new_context(
        base_url=url, locale=language, timezone_id="Asia/Seoul", reduced_motion="reduce"
    )
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context


def _log_in(page: Page, email: str, *, cast: "Cast") -> None:
    page.goto("/accounts/login/")
    sights.log_in(page, email)
    if email == sights.STAFF:
        page.fill("input[name=code]", cast.codes.pop())
        sights.send(page)


def _go(page: Page, sight: "sights.Sight", *, words: Mapping[str, str]) -> None:
    page.goto(sight.path.format(**words))
    if sight.act:
        sight.act(page)


def _take(page: Page, *, name: str, language: str, folder: Path) -> None:
    """The page as it stands, in all looks: only what it is drawn on changes."""
    _load_pictures(page)
    for theme, width in itertools.product(THEMES, WIDTHS):
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        if "/admin/" in page.url:
            # It asks which colours are wanted only as it opens.
            page.reload()
        page.set_viewport_size({"width": WIDTHS[width], "height": 844})
        page.screenshot(
            path=folder / f"{language}-{theme}-{width}" / f"{name}.png",
            full_page=True,
            animations="disabled",
            caret="hide",
        )


def _load_pictures(page: Page) -> None:
    """Pictures below the fold, which come only when they are near, and the first of each film."""
    page.evaluate(
        """() => Promise.all([
            ...[...document.images].map(image => {
                image.loading = 'eager';
                return image.decode().catch(() => null);
            }),
            ...[...document.querySelectorAll('video')].map(film => new Promise(done => {
                film.addEventListener('canplay', () => setTimeout(done, 900));
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
