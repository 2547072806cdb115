"""Which letters go together in one message."""

from __future__ import annotations

import pytest

from coordinator.dispatch import bags
from coordinator.store.mail import Letter
from reelyard.wire import MOST_BYTES_IN_A_MESSAGE, MOST_IN_A_MESSAGE, bundle, unbundle


def letter(number: int, queue: str = "node.w", size: int = 100) -> Letter:
    return Letter(number, queue, "reelyard.run", {"number": number}, size)


def numbers(letters: list[Letter]) -> list[list[int]]:
    return [[one.id for one in bag] for bag in bags(letters)]


def test_each_queue_has_its_own_in_their_order() -> None:
    given = [letter(1), letter(2, "node.v"), letter(3), letter(4, "node.v"), letter(5)]
    assert numbers(given) == [[1, 3, 5], [2, 4]]


def test_no_message_holds_more_than_it_may() -> None:
    found = bags([letter(n) for n in range(2 * MOST_IN_A_MESSAGE + 1)])
    assert [len(bag) for bag in found] == [MOST_IN_A_MESSAGE, MOST_IN_A_MESSAGE, 1]
    half = MOST_BYTES_IN_A_MESSAGE // 2
    assert numbers([letter(n, size=half) for n in range(5)]) == [[0, 1], [2, 3], [4]]


def test_one_that_is_too_large_goes_alone_and_nothing_overtakes_it() -> None:
    huge = MOST_BYTES_IN_A_MESSAGE + 1
    given = [letter(1), letter(2, size=huge), letter(3), letter(4)]
    assert numbers(given) == [[1], [2], [3, 4]]


def test_no_letters_make_no_message() -> None:
    assert bags([]) == []


@pytest.mark.parametrize("count", [1, 2, 64])
def test_what_is_bundled_comes_out_again(count: int) -> None:
    payloads: list[dict[str, object]] = [{"number": n} for n in range(count)]
    assert unbundle(bundle(payloads)) == payloads


def test_one_alone_is_as_an_older_side_sends_and_reads_it() -> None:
    assert bundle([{"type": "hello"}]) == {"type": "hello"}
    assert unbundle({"type": "hello"}) == [{"type": "hello"}]


@pytest.mark.parametrize("nonsense", [None, "text", 7])
def test_nonsense_is_left_for_the_reader_to_refuse(nonsense: object) -> None:
    assert unbundle(nonsense) == [nonsense]
    assert unbundle([]) == []
