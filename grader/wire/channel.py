"""The blocking end of a pipe that speaks frames, used inside the sandbox."""

import socket
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from grader.errors import ProtocolError
from grader.wire.frames import Decoder, Frame, encode


class ChannelBroken(Exception):  # noqa: N818 - inside the sandbox: the program closed or misused the grader's connection
    """The connection to the grading process is gone, or somebody else spoke on it."""


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
        try:
            self._socket.sendall(encode(body, arrays))
        except OSError as error:
            raise ChannelBroken(str(error)) from None

    def receive(self) -> Frame:
        """Wait for the next frame; ChannelBroken when the other end is gone."""
        while not self._waiting:
            try:
                data = self._socket.recv(1 << 20)
                if not data:
                    raise ChannelBroken("the other end closed the channel")
                self._waiting = self._decoder.feed(data)
            except (OSError, ProtocolError) as error:
                raise ChannelBroken(str(error)) from None
        return self._waiting.pop(0)

    def ask(self, body: dict[str, Any], arrays: Sequence[np.ndarray[Any, Any]] = ()) -> Frame:
        """Send one frame and wait for the answer."""
        self.send(body, arrays)
        return self.receive()
