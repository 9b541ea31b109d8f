"""Ports for the servers of one machine."""

import socket
import threading
from collections.abc import Iterator

import pytest

from shortsproject.local import processes


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A server that listens on a port of its own."""
    with socket.create_server((processes.LOOPBACK, processes.free_port())) as server:
        yield server


def test_a_port_that_its_old_server_is_still_leaving_is_waited_for(
    listener: socket.socket,
) -> None:
    port = listener.getsockname()[1]
    leaving = threading.Timer(0.3, listener.close)
    leaving.start()

    found = processes.free_port(port)

    leaving.join()
    assert found == port


def test_a_port_that_somebody_keeps_is_given_up(
    listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "HANDOVER_SECONDS", 0.1)
    port = listener.getsockname()[1]

    found = processes.free_port(port)

    assert found != port
    assert processes.port_is_free(found)
