"""The Gemini stand-in: Gemini, Veo and Omni on the wire, on loopback, for nothing.

It speaks what the real SDK sends and reads on both routes: Veo's operations of the enterprise one,
Omni's interactions and files of the developer one, and the analysis of both; and Veo's operations
as the developer API had them (asked for with GET, the video as a file). It takes the time that
a render takes, scaled, and hands out a real MP4 made from the uploaded picture. Over its control
endpoint, which the real service does not have, it can be told to misbehave:

    POST /_control/next     {"kind": "analyse|submit|poll|download|cancel|delete", "n": 1, …}   204
        status      answer this status and do not take the call (body: what to say instead of
                    Google's envelope; headers: more of them, a Location for example); 200: as if
                    left out
        body        without a status: take the call and answer 200 with this; a text is sent as it
                    is, and {operation_name}, {uri} and {video} in it are filled in
        delay_s     wait before the answer, after the call was taken
        drip_s      let the body trickle for that long, in twenty pieces
        cut         before: close the connection and do not take it; after: take it, then close;
                    reset: take it, then reset the connection; garbage: take it, then send no HTTP
        cut_at      with cut (else as after): send the head and so many bytes of the body first
        hold        true: keep the answer back, after the call was taken, until it is released
        hold_at     the same in the middle of the answer, after so many bytes of its body
        size_bytes  download only: lengthen the file to this with zeros
        outcome     analyse: filtered, error, empty, no_usage, truncated
                    submit: how the render will end (below), or empty, truncated: this answer
                    poll: the same for this answer only
                    download: filtered (no such file), error, empty; truncated, half a file that
                    passes for a whole one; no_usage (as usual: a file never has any)
    POST /_control/release  {"kind": "submit"}      204; 409 when nothing is held
    POST /_control/reset                            204; as just started
    GET  /_control/counts                           calls received by kind, submits accepted

Ends of a render, on both wires: filtered, error, no_video (done, with nothing in it), other_name
(the answer is about another one), no_usage (Veo as usual: it never reports any). Veo only:
exhausted (error 8), error_and_video, filtered_and_video, blank_video (a video without anything in
it). Omni only: step_error (in the steps), billed_error (with usage), cancelled, incomplete,
budget_exceeded, requires_action, requires_continuation, idle, unknown_status, billed_no_video.
filtered reports input tokens only, error none.

Run it with `python -m shortsproject.local.gemini --port 0`, or in a thread of a test with
`StandIn`. It knows nothing of Django. Times are seconds.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, Self

from shortsproject.local import gemini_analysis, gemini_interactions, gemini_renders
from shortsproject.local import gemini_wire as wire
from shortsproject.local.gemini_script import (
    AS_USUAL,
    Order,
    Reply,
    Script,
    check_kind,
    read_order,
)
from shortsproject.local.gemini_server import HOST, Server

BROKEN_OFF = 4096
Log = Callable[[str], None]
Answering = Callable[[wire.Call, Order], wire.Answer]


def silent(line: str) -> None:
    """The log of a stand-in inside a test."""


class StandIn:
    """One stand-in, served by threads of this process from `start` to `stop`."""

    def __init__(self, port: int = 0, render_seconds: float = 0.2, log: Log = silent) -> None:
        """`port` 0 takes a free one; `render_seconds` is how long 8 seconds of video take."""
        self.port = port
        self.log = log
        self.script = Script()
        self._renders = gemini_renders.Renders(render_seconds)
        self._server: Server | None = None
        self._models: dict[str, Answering] = {
            "analyse": self._analyse,
            "count_tokens": self._count_tokens,
            "submit": self._submit,
            "poll": self._poll,
        }
        self._interactions: dict[str, Answering] = {
            "submit": self._create,
            "poll": self._get,
            "cancel": self._cancel,
            "delete": self._delete,
            "download": self._download,
        }

    def start(self) -> Self:
        """Listen and serve; after a stop again, on the same port and with its operations."""
        self._server = Server((HOST, self.port), self)
        self.port = self._server.server_address[1]
        self.script.start()
        self._renders.start()
        threading.Thread(
            target=self._server.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="gemini stand-in",
            daemon=True,
        ).start()
        return self

    def stop(self) -> None:
        """End at once; calls that wait lose their connection."""
        if self._server is not None:
            self._server.shutdown()
            self.script.stop()
            self._server.close()
            self._renders.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """The address, for `base_url`."""
        return f"http://{HOST}:{self.port}"

    @property
    def requests(self) -> list[wire.Call]:
        """The calls received, oldest first (the last few hundred): kind, path, headers, body."""
        return self.script.calls()

    def counts(self) -> dict[str, Any]:
        """`{"calls": {kind: number}, "accepted_submits": number}`."""
        return self.script.counts()

    def reset(self) -> None:
        """Forget orders, counts, calls and operations; calls that are held are let go."""
        self.script.reset()
        self._renders.clear()

    def next(self, kind: str, /, **fields: Any) -> None:
        """The same as the control endpoint's `next`; `OrderError` when it makes no sense."""
        self.script.add(*read_order({"kind": kind, **fields}))

    def release(self, kind: str) -> None:
        """Let the held calls of this kind have their answers; `NothingHeldError` without any."""
        check_kind(kind)
        self.script.release(kind)

    def wait_held(self, kind: str, timeout: float = 10) -> None:
        """Wait until a call of this kind is held."""
        check_kind(kind)
        self.script.wait_held(kind, timeout)

    def answer(self, call: wire.Call, size: int) -> Reply:
        """Take a call of `size` bytes and answer it as told, after the waiting that was ordered."""
        self.script.receive(call, size)
        try:
            wire.check_key(call.headers)
            order = self.script.take(call.kind)
            answer = self._answer_as_told(call, order)
        except wire.RefusedError as refused:
            order, answer = AS_USUAL, wire.refusal(refused)
        stays = self.script.keep_back(call.kind, order)
        return Reply(answer, order, call.kind) if stays else Reply(None)

    def _answer_as_told(self, call: wire.Call, order: Order) -> wire.Answer | None:
        if order.cut == "before":
            return None
        if order.status is not None:
            content = wire.envelope(order.status) if order.body is None else order.body
            return scripted(content, order.status, order.headers)
        wire_of = self._models if call.resource else self._interactions
        try:
            return wire_of[call.kind](call, order)
        except wire.RefusedError as refused:
            return wire.refusal(refused)

    def _analyse(self, call: wire.Call, order: Order) -> wire.Answer:
        wire.check_model(call.model, wire.ANALYSIS_MODELS)
        if order.outcome == "error":
            wire.analysis_request(call.body)
            raise wire.RefusedError(
                400, "Unable to process input image. Provided image is not valid."
            )
        usual = gemini_analysis.respond(call.body, call.model, order.outcome)
        return usual_or(order, usual, {})

    def _count_tokens(self, call: wire.Call, order: Order) -> wire.Answer:
        wire.check_model(call.model, wire.ANALYSIS_MODELS)
        return wire.json_answer(gemini_analysis.count_tokens(call.body))

    def _submit(self, call: wire.Call, order: Order) -> wire.Answer:
        render = wire.render_request(call.body, call.model)
        ending = ending_of(order, gemini_renders.ENDINGS)
        operation = self._renders.accept(render, call.resource, ending)
        self.script.count_accepted()
        return submitted(order, {"name": operation.name}, {"{operation_name}": operation.name})

    def _poll(self, call: wire.Call, order: Order) -> wire.Answer:
        operation = self._renders.find(call.operation or wire.get(call.body, "operationName"))
        if not operation.name.startswith(f"{call.resource}/operations/"):
            raise wire.RefusedError(400, "The operation does not belong to the model of the path.")
        by_address = bool(call.operation)
        return self._polled(operation, order, gemini_renders.ENDINGS, by_address=by_address)

    def _create(self, call: wire.Call, order: Order) -> wire.Answer:
        asked = gemini_interactions.read(call.body)
        ending = ending_of(order, gemini_interactions.ENDINGS)
        operation = self._renders.accept_interaction(asked, ending)
        self.script.count_accepted()
        if not asked.background and order.cut is None:
            self._renders.wait(operation)
        return submitted(order, self._renders.body(operation), self._marks(operation, order))

    def _get(self, call: wire.Call, order: Order) -> wire.Answer:
        operation = self._renders.find(call.interaction)
        return self._polled(operation, order, gemini_interactions.ENDINGS)

    def _polled(
        self,
        operation: gemini_renders.Operation,
        order: Order,
        endings: tuple[str, ...],
        *,
        by_address: bool = False,
    ) -> wire.Answer:
        if order.body is not None:
            return usual_or(order, {}, self._marks(operation, order))
        said = self._said(operation, order, endings)
        if by_address:
            said = gemini_renders.by_address(said, operation.file)
        answer = wire.json_answer(said)
        if order.outcome == "truncated":
            return wire.Answer(200, answer.body[:-20], promised=BROKEN_OFF)
        return answer

    def _said(
        self, operation: gemini_renders.Operation, order: Order, endings: tuple[str, ...]
    ) -> dict[str, Any]:
        """The state of this operation, or what it is told to say in this answer only."""
        if order.outcome == "empty":
            return gemini_renders.nothing(operation)
        if order.outcome in (None, "truncated"):
            return self._renders.body(operation)
        return self._renders.ended(operation, ending_of(order, endings))

    def _marks(self, operation: gemini_renders.Operation, order: Order) -> dict[str, str]:
        """What fills the marks in a body that was ordered; the video only where one is wanted."""
        filled = {
            "{operation_name}": operation.name,
            "{uri}": gemini_interactions.ADDRESS.format(file=operation.file),
        }
        if "{video}" in json.dumps(order.body):
            filled["{video}"] = self._renders.clip_base64(operation)
        return filled

    def _cancel(self, call: wire.Call, order: Order) -> wire.Answer:
        operation = self._renders.find(call.interaction)
        self._renders.cancel(operation)
        return usual_or(order, self._renders.body(operation), self._marks(operation, order))

    def _delete(self, call: wire.Call, order: Order) -> wire.Answer:
        self._renders.delete(self._renders.find(call.interaction))
        return usual_or(order, {}, {})

    def _download(self, call: wire.Call, order: Order) -> wire.Answer:
        if call.query.get("alt") != "media":
            raise wire.RefusedError(400, "The stand-in serves files with alt=media only.")
        film = self._renders.file(call.file)
        if order.body is not None:
            return usual_or(order, {}, {})
        if order.outcome == "filtered":
            raise wire.RefusedError(404, wire.MESSAGES[404])
        if order.outcome == "error":
            raise wire.RefusedError(500, wire.MESSAGES[500])
        if order.outcome == "empty":
            film = b""
        elif order.outcome == "truncated":
            film = film[: len(film) // 2]
        padding = max(0, (order.size_bytes or 0) - len(film))
        return wire.Answer(200, film, "video/mp4", order.headers, padding=padding)


def ending_of(order: Order, known: tuple[str, ...]) -> str:
    """How an operation ends: with a video, or as ordered; 400 when this wire has no such end."""
    if order.outcome in (None, "empty", "truncated"):
        return "video"
    if order.outcome not in known:
        raise wire.RefusedError(400, f"The stand-in has no outcome {order.outcome} on this wire.")
    return order.outcome


def submitted(order: Order, usual: Any, filled: dict[str, str]) -> wire.Answer:
    """The answer to a submit that was taken."""
    if order.outcome == "empty":
        return wire.json_answer({})
    if order.outcome == "truncated":
        return wire.Answer(200, wire.json_answer(usual).body[:-20])
    return usual_or(order, usual, filled)


def usual_or(order: Order, usual: Any, filled: dict[str, str]) -> wire.Answer:
    """The usual answer to an accepted call, or the body that was ordered instead."""
    if order.body is None:
        return wire.json_answer(usual)
    answer = scripted(order.body, 200, order.headers)
    body = answer.body
    for mark, value in filled.items():
        body = body.replace(mark.encode(), value.encode())
    return wire.Answer(200, body, answer.content_type, answer.headers)


def scripted(content: Any, status: int, headers: dict[str, str]) -> wire.Answer:
    """An answer out of an order: a text goes out as it is, anything else as JSON."""
    if isinstance(content, str):
        return wire.Answer(status, content.encode(), "text/html; charset=UTF-8", headers)
    # HTTP gives these two no body; one would be read as the start of the next answer.
    body = b"" if status in (204, 304) else json.dumps(content, ensure_ascii=False).encode()
    return wire.Answer(status, body, headers=headers)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="gemini", description="The local Gemini stand-in.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument(
        "--render-seconds",
        type=float,
        default=os.environ.get("STANDIN_RENDER_SECONDS", "3"),
        help="how long 8 seconds of video take (STANDIN_RENDER_SECONDS, else 3)",
    )
    chosen = parser.parse_args(arguments)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())

    def log(line: str) -> None:
        print(line, flush=True)

    standin = StandIn(chosen.port, chosen.render_seconds, log)
    try:
        standin.start()
    except OSError as error:
        print(f"gemini stand-in: port {chosen.port}: {error.strerror}", file=sys.stderr)
        return 1
    log(f"gemini stand-in ready {standin.url}")
    ended.wait()
    standin.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
