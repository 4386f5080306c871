"""The blocking end of a pipe that speaks frames, used inside the sandbox."""

import socket
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.errors import ProtocolError
from grader.wire.frames import Decoder, Frame, encode


class Channel:
    """Sends and receives frames over a connected socket."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._decoder = Decoder(json_bytes=64 * 2**20)
        self._waiting: list[Frame] = []

    def send(self, body: dict[str, Any], arrays: Sequence[np.ndarray[Any, Any]] = ()) -> None:
        """Send one frame, after everything printed so far has left this process."""
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except (OSError, ValueError, AttributeError):
                continue
        self._socket.sendall(encode(body, arrays))

    def receive(self) -> Frame:
        """Wait for the next frame; ProtocolError when the other end is gone."""
        while not self._waiting:
            data = self._socket.recv(1 << 20)
            if not data:
                raise ProtocolError("the other end closed the channel")
            self._waiting = self._decoder.feed(data)
        return self._waiting.pop(0)

    def ask(self, body: dict[str, Any], arrays: Sequence[np.ndarray[Any, Any]] = ()) -> Frame:
        """Send one frame and wait for the answer."""
        self.send(body, arrays)
        return self.receive()
