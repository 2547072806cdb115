"""Two edits on the bytes of an ONNX voice, so that durations can be read out and dictated.

The graph divides predicted durations by `speed` and rounds. Freed of its fixed length, `speed`
takes one value per token; made an output, the quotient is the prediction. Neither changes what the
model computes. Nothing is written to disk and no onnx package is needed.
"""

from __future__ import annotations

from typing import Final

_SPEED: Final = bytes.fromhex("0a05 7370656564 120a 0a08 0801 1204 0a02 0801")
"""ValueInfoProto: name "speed", a tensor of float, its only dimension 1."""

_GRAPH, _OUTPUT = 7, 12
_FLOAT = b"\x08\x01"


class OtherGraph(Exception):
    """This is not the graph that the edits were made for."""


def dictated(onnx: bytes, quotient: str) -> bytes:
    """The model with one `speed` per token and the output `quotient`. Raises OtherGraph."""
    if onnx.count(_SPEED) != 1 or quotient.encode() not in onnx:
        raise OtherGraph
    free = _SPEED[:-2] + b"\x12\x00"  # the dimension becomes a nameless one; the size stays
    output = _field(1, quotient.encode()) + _field(2, _field(1, _FLOAT))
    # protobuf merges a second `graph` into the first: its one output is appended to the list
    return onnx.replace(_SPEED, free) + _field(_GRAPH, _field(_OUTPUT, output))


def _field(number: int, payload: bytes) -> bytes:
    """One length-delimited protobuf field."""
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    """Seven bits a byte, low first, the top bit says that more follow."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
