"""Finding and ending processes, and free ports."""

import random
import socket
import time

import psutil

LOOPBACK = "127.0.0.1"
# Below the ports that Linux, macOS and Windows lend to outgoing connections (32768 and up): a
# server that was killed finds its port again, because nobody was lent it meanwhile.
SERVER_PORTS = range(20_000, 32_000)
HANDOVER_SECONDS = 5


class LocalError(Exception):
    """The local stack cannot go on. The message is one sentence for the person at the terminal."""


def port_is_free(port: int) -> bool:
    """Whether a server could listen there now. Raises OverflowError for no port at all."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_port(preferred: int = 0) -> int:
    """The preferred port if it is free soon, else another one. Raises LocalError if there is none.

    A killed server counts as gone when its first thread is: the others may still be ending, and
    they keep its port until then.
    """
    deadline = time.monotonic() + (HANDOVER_SECONDS if preferred else 0)
    while time.monotonic() < deadline:
        if port_is_free(preferred):
            return preferred
        time.sleep(0.02)
    for port in random.sample(SERVER_PORTS, k=len(SERVER_PORTS)):
        if port_is_free(port):
            return port
    raise LocalError(f"No port from {SERVER_PORTS.start} to {SERVER_PORTS.stop - 1} is free.")


def find(pid: int, *words: str) -> psutil.Process | None:
    """The living process with this pid, if every word stands in its command line.

    A pid from a file may belong to anybody by now, and a killed process that nobody has waited
    for keeps its pid: neither is the process that was meant.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        command = " ".join(process.cmdline())
    except (psutil.Error, ValueError):
        return None
    return process if all(word in command for word in words) else None


def end(process: psutil.Process, grace_seconds: float) -> None:
    """Ask the process to end, and make it end when the grace is over."""
    try:
        process.terminate()
        if not wait_gone(process.pid, grace_seconds):
            process.kill()
            wait_gone(process.pid, 5)
    except psutil.NoSuchProcess:
        return


def wait_gone(pid: int, seconds: float) -> bool:
    """Wait until the process has ended. False if it is still there."""
    deadline = time.monotonic() + seconds
    while find(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
