"""`make demo`: one picture, one video, one receipt, and nothing left running."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from shortsproject.local import demo_output, files, plan, postgres, stack

ROUTES = {"GOOGLE_CLOUD_PROJECT": "somebodys-project", "HTTPS_PROXY": "http://127.0.0.1:1"}
COMMAND = [sys.executable, "-m", "shortsproject.local.demo"]
MESSAGES = [
    "✅ [토큰 체크] 예상 토큰 1500 확인 완료 (남은 토큰: 8500)",
    "✅ [토큰 추적] Gemini 이미지 분석: 487 토큰 사용 (남은 토큰: 8013)",
    "💰 [Veo 비용] 8초 영상 생성: $1.20 (토큰 환산: 1000 토큰)",
    "✅ [토큰 추적] Gemini Veo 영상 생성: 1000 토큰 사용 (남은 토큰: 7013)",
]


@pytest.fixture
def local_dir(tmp_path: Path) -> Iterator[Path]:
    """A LOCAL_DIR in which nothing has run yet."""
    yield tmp_path
    stack.stop(tmp_path)
    postgres.remove_shared(tmp_path)


def environment(local_dir: Path) -> dict[str, str]:
    clean = plan.without_proxies(plan.without_routes(os.environ))
    dropped = ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PORT", "DEBUG")
    kept = {name: value for name, value in clean.items() if name not in dropped}
    quick = {"LOCAL_DIR": str(local_dir), "STANDIN_RENDER_SECONDS": "0.5", "PYTHONUTF8": "1"}
    return kept | quick


def demo(local_dir: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        COMMAND,
        cwd=files.REPOSITORY,
        env=environment(local_dir) | variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


def test_a_picture_becomes_a_video_without_any_route_to_google(local_dir: Path) -> None:
    done = demo(local_dir, **ROUTES)

    assert (done.returncode, done.stderr) == (0, "")
    video = Path(done.stdout.splitlines()[-1])
    assert video.parent == local_dir / "demo"
    assert video.read_bytes()[4:8] == b"ftyp"
    assert "The ledger agrees: " in done.stdout
    assert done.stdout.count("✅") == 3
    assert not stack.is_running(local_dir)
    assert not postgres.is_running(local_dir)


def test_a_file_that_is_no_picture_is_one_sentence(local_dir: Path) -> None:
    text = local_dir / "notes.jpg"
    text.write_text("no picture")

    done = demo(local_dir, IMAGE=str(text))

    assert done.returncode == 1
    assert done.stderr.startswith("notes.jpg was not accepted: ")
    assert done.stderr.count("\n") == 1
    assert not stack.is_running(local_dir)


def test_a_missing_file_is_one_sentence_and_nothing_is_started(local_dir: Path) -> None:
    done = demo(local_dir, IMAGE="nowhere.jpg")

    assert (done.returncode, done.stderr) == (1, "There is no picture nowhere.jpg.\n")
    assert list(local_dir.iterdir()) == []


def test_a_picture_larger_than_the_api_takes_is_one_sentence(
    local_dir: Path, settings: Any
) -> None:
    picture = local_dir / "large.jpg"
    with picture.open("wb") as file:
        file.truncate(settings.MAX_UPLOAD_BYTES + 1)

    done = demo(local_dir, IMAGE=str(picture))

    sentence = f"{picture} is too large. Make it smaller than 20 MB.\n"
    assert (done.returncode, done.stderr) == (1, sentence)


def test_a_folder_is_told_from_a_picture(
    local_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("pictures")

    done = demo(local_dir, IMAGE=str(folder))

    sentence = f"{folder} is a folder; IMAGE takes one picture.\n"
    assert (done.returncode, done.stderr) == (1, sentence)


def test_a_setting_that_makes_no_sense_is_one_sentence(local_dir: Path) -> None:
    done = demo(local_dir, LOG_LANGUAGE="fr")

    sentence = "Shorts cannot start: LOG_LANGUAGE is ko or en, not 'fr'.\n"
    assert (done.returncode, done.stderr) == (1, sentence)
    assert not postgres.is_running(local_dir)


def test_a_demo_waits_until_the_other_one_has_stopped_its_stack(local_dir: Path) -> None:
    with (
        files.locked(local_dir / "demo.lock"),
        subprocess.Popen(
            COMMAND,
            cwd=files.REPOSITORY,
            env=environment(local_dir),
            stdout=subprocess.PIPE,
            text=True,
        ) as waiting,
    ):
        assert waiting.stdout
        first_line = waiting.stdout.readline()
        waiting.terminate()

    assert first_line == "Waiting for the other demo in this LOCAL_DIR …\n"
    assert waiting.returncode == 130
    assert not (local_dir / "postgres").exists()


@pytest.mark.parametrize(
    ("variables", "word"), [({}, "GOOGLE_CLOUD_PROJECT"), (ROUTES, "terminal")]
)
def test_money_is_spent_only_where_somebody_can_be_asked(
    local_dir: Path, variables: dict[str, str], word: str
) -> None:
    done = demo(local_dir, REAL="1", **variables)

    assert done.returncode == 1
    assert word in done.stderr
    assert not (local_dir / "postgres").exists()


def test_the_log_lines_of_one_short_are_shown_without_their_context(tmp_path: Path) -> None:
    log = tmp_path / "shorts.log"
    ours = [f"12:00Z [info] {message} [a.b] job_id=7 user_id=3\n" for message in MESSAGES]
    log.write_text("".join([*ours, *(line.replace("_id=7", "_id=8") for line in ours)]))

    assert demo_output.log_lines(log, 0, "7") == MESSAGES
