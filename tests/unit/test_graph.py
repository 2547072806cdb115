"""The two edits of a voice's bytes, read back as protobuf."""

from __future__ import annotations

import pytest

from worker.engines.voice.graph import OtherGraph, dictated

SPEED = bytes.fromhex("0a05 7370656564 120a 0a08 0801 1204 0a02 0801")
NAME = "/Div_40_output_0"


def fields(data: bytes) -> list[tuple[int, bytes]]:
    """Length-delimited protobuf fields: (number, payload)."""
    found, at = [], 0
    while at < len(data):
        number, size, shift = data[at] >> 3, 0, 0
        while True:
            at += 1
            size |= (data[at] & 127) << shift
            shift += 7
            if not data[at] & 128:
                break
        found.append((number, data[at + 1 : at + 1 + size]))
        at += 1 + size
    return found


def a_model(name: str = NAME) -> bytes:
    """A graph (field 7) with `speed` as input (field 11) and a node that names the quotient."""
    node = b"\x0a" + bytes([len(name)]) + name.encode()
    graph = b"\x0a" + bytes([len(node)]) + node + b"\x5a" + bytes([len(SPEED)]) + SPEED
    return b"\x3a" + bytes([len(graph)]) + graph


def test_speed_loses_its_length_and_the_quotient_becomes_an_output() -> None:
    before = a_model()
    after = dictated(before, NAME)
    first, second = fields(after)
    assert first[0] == second[0] == 7
    assert len(first[1]) == len(fields(before)[0][1])
    inputs = [payload for number, payload in fields(first[1]) if number == 11]
    assert inputs == [SPEED[:-2] + b"\x12\x00"]
    ((number, output),) = fields(second[1])
    assert number == 12
    assert fields(output)[0] == (1, NAME.encode())


def test_long_names_have_long_lengths() -> None:
    name = "/" + "x" * 200
    model = b"\x3a\x00" + SPEED + name.encode()
    appended = dictated(model, name)[len(model) :]
    ((graph, payload),) = fields(appended)
    assert (graph, fields(fields(payload)[0][1])[0]) == (7, (1, name.encode()))


@pytest.mark.parametrize("model", [b"", a_model("/other"), a_model() + SPEED])
def test_another_graph_is_left_alone(model: bytes) -> None:
    with pytest.raises(OtherGraph):
        dictated(model, NAME)
