"""The public REST API as the demo calls it: plain HTTP on loopback, past any proxy."""

import http.client
import json
import re
import secrets
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from shortsproject.local import processes

TIMEOUT_SECONDS = 60


class RefusedError(processes.LocalError):
    """The API said no. The message is the sentence of its answer."""


class Api:
    """One user's access to one server."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._key = key
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def generate(self, picture: bytes, name: str) -> dict[str, Any]:
        """Ask for a short. Returns it with its quote and the balance."""
        boundary = secrets.token_hex(16)
        safe_name = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        head = (
            f"--{boundary}\r\n"
            f'Content-Disposition: form-data; name="image"; filename="{safe_name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        )
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Idempotency-Key": secrets.token_hex(16),
        }
        body = head.encode() + picture + f"\r\n--{boundary}--\r\n".encode()
        return self._json("/api/shorts/generate", data=body, headers=headers)

    def short(self, short_id: str) -> dict[str, Any]:
        """The short as it is now."""
        return self._json(f"/api/shorts/{short_id}")

    def usage(self) -> dict[str, Any]:
        """Balance and period of the user."""
        return self._json("/api/usage")

    def download(self, path: str, target: Path) -> None:
        """Stream the file to the target, which appears when it is whole."""
        target.parent.mkdir(parents=True, exist_ok=True)
        unfinished = target.with_suffix(".part")
        with self._open(path) as answer, unfinished.open("wb") as file:
            shutil.copyfileobj(answer, file)
        unfinished.replace(target)

    def _json(self, path: str, **request: Any) -> dict[str, Any]:
        with self._open(path, **request) as answer:
            return dict(json.load(answer))

    def _open(self, path: str, data: bytes | None = None, headers: Any = None) -> Any:
        request = urllib.request.Request(self._url + path, data=data, headers=headers or {})
        request.add_header("Authorization", f"Bearer {self._key}")
        try:
            return self._opener.open(request, timeout=TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            raise RefusedError(_sentence(error)) from error
        except (OSError, http.client.HTTPException) as error:
            raise processes.LocalError(f"{self._url}{path} cannot be reached: {error}") from error


def _sentence(error: urllib.error.HTTPError) -> str:
    """What the problem document says, or the status where there is none."""
    try:
        problem = json.load(error)
        return str(problem.get("detail") or problem["title"])
    except (ValueError, KeyError, AttributeError, OSError):
        return f"{error.url} answered {error.code} {error.reason}"
