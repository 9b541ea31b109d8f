"""One of many clients: says it is ready, waits for the word, then sends its requests at once.

Run as a program: address, API key, picture file, number of requests, idempotency key or nothing.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests


def send(url: str, key: str, picture: bytes, idempotency_key: str) -> tuple[int, str]:
    """The status and the problem code of one request."""
    headers = {"Authorization": f"Bearer {key}"}
    if idempotency_key:
        headers["Idempotency-Key"] = idempotency_key
    answer = requests.post(
        url, files={"image": ("race.jpg", picture, "image/jpeg")}, headers=headers, timeout=60
    )
    return answer.status_code, answer.json().get("code", "")


def main() -> None:
    url, key, picture, number, idempotency_key = sys.argv[1:6]
    data = Path(picture).read_bytes()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    with ThreadPoolExecutor(int(number)) as pool:
        sent = [pool.submit(send, url, key, data, idempotency_key) for _ in range(int(number))]
        sys.stdout.write(json.dumps([future.result() for future in sent]))


if __name__ == "__main__":
    main()
