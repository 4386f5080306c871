"""How a plain process and the grading process find each other on one machine: three connections that know a token."""

import contextlib
import hmac
import socket

STREAMS = "foe"
"""Frames, output, errors: each connection says which one it is."""
LOCAL = "127.0.0.1"
"""Nobody outside of this machine can connect."""


def connect(port: int, token: str, letter: str) -> socket.socket:
    """A connection to the grading process; it begins with the token and the letter of its stream."""
    connection = socket.create_connection((LOCAL, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(f"{token}{letter}".encode())
    return connection


def read_greeting(connection: socket.socket, token: str) -> str:
    """The letter of a connection that begins with the token; empty for any other."""
    connection.settimeout(5)
    data = b""
    with contextlib.suppress(OSError):
        while len(data) <= len(token):
            more = connection.recv(len(token) + 1 - len(data))
            if not more:
                break
            data += more
    letter = data[len(token) :].decode("ascii", "replace")
    known = hmac.compare_digest(data[: len(token)], token.encode())
    return letter if known and letter and letter in STREAMS else ""
