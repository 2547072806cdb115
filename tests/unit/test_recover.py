"""What follows from a try that failed, was lost, or was never heard of. One line per case."""

from __future__ import annotations

from typing import Any

import pytest

from coordinator.core.recover import (
    BACK_OFF_SECONDS,
    GiveUp,
    KnownWorker,
    Lose,
    OpenAttempt,
    Patience,
    Resend,
    Retry,
    after_failure,
    after_loss,
    recover,
    silent,
)
from reelyard.failure import PERMANENT, Failure, FailureKind
from reelyard.states import AttemptState, WorkerState

NOW = 1000.0
PATIENCE = Patience(silence_seconds=15.0, resend_seconds=5.0, max_attempts=4)


def attempt(**more: Any) -> OpenAttempt:
    usual: dict[str, Any] = {
        "id": "t.a1",
        "task_id": "t",
        "state": AttemptState.RUNNING,
        "worker_id": "w",
        "boot_id": "b1",
        "sent_at": NOW - 1,
        "lease_until": NOW + 10,
    }
    return OpenAttempt(**{**usual, **more})


def worker(**more: Any) -> KnownWorker:
    usual: dict[str, Any] = {"boot_id": "b1", "state": WorkerState.ONLINE, "last_seen": NOW - 1}
    return KnownWorker(id="w", **{**usual, **more})


SENT = AttemptState.SENT


@pytest.mark.parametrize(
    ("found", "known", "what"),
    [
        (attempt(), worker(), None),
        (attempt(), None, "is not known any more"),
        (attempt(), worker(boot_id="b2"), "was started anew"),
        (attempt(), worker(state=WorkerState.OFFLINE), "fell silent"),
        (attempt(lease_until=NOW - 0.1), worker(), "did not speak of it"),
        (attempt(lease_until=NOW), worker(), None),
        (attempt(sent_at=NOW - 60), worker(), None),
        (attempt(), worker(state=WorkerState.DRAINING), None),
        (attempt(state=SENT, sent_at=NOW - 4.9), worker(), None),
        (attempt(state=SENT, sent_at=NOW - 5.1), worker(), "resend"),
        (attempt(state=SENT, sent_at=NOW - 5.1), worker(boot_id="b2"), "was started anew"),
        (attempt(state=SENT, sent_at=NOW - 60, lease_until=NOW - 1), worker(), "did not speak"),
    ],
)
def test_what_becomes_of_an_open_attempt(
    found: OpenAttempt, known: KnownWorker | None, what: str | None
) -> None:
    answer = recover([found], {"w": known} if known else {}, NOW, PATIENCE)
    if what is None:
        assert answer == []
    elif what == "resend":
        assert answer == [Resend(found)]
    else:
        (lost,) = answer
        assert isinstance(lost, Lose) and lost.attempt is found and what in lost.because


@pytest.mark.parametrize(
    ("last_seen", "state", "since", "gone"),
    [
        (NOW - 14, WorkerState.ONLINE, 0.0, False),
        (NOW - 16, WorkerState.ONLINE, 0.0, True),
        (NOW - 16, WorkerState.DRAINING, 0.0, True),
        (NOW - 16, WorkerState.OFFLINE, 0.0, False),
        (NOW - 900, WorkerState.ONLINE, NOW - 3, False),  # we were away ourselves
        (NOW - 900, WorkerState.ONLINE, NOW - 16, True),
        (NOW + 3600, WorkerState.ONLINE, NOW - 3, False),  # the clock was put back
        (NOW + 3600, WorkerState.ONLINE, NOW - 16, True),
    ],
)
def test_who_counts_as_gone(last_seen: float, state: WorkerState, since: float, gone: bool) -> None:
    known = worker(last_seen=last_seen, state=state)
    assert silent([known], NOW, PATIENCE, since) == ([known] if gone else [])


def test_a_lease_that_ran_out_while_nobody_listened_gets_one_more_spell() -> None:
    late = attempt(lease_until=NOW - 60)
    assert recover([late], {"w": worker()}, NOW, PATIENCE, since=NOW - 3) == []
    assert len(recover([late], {"w": worker()}, NOW, PATIENCE, since=NOW - 16)) == 1
    other_boot = recover([late], {"w": worker(boot_id="b2")}, NOW, PATIENCE, since=NOW - 3)
    assert len(other_boot) == 1


def failure(kind: FailureKind) -> Failure:
    return Failure(kind=kind, sentence="It broke.")


@pytest.mark.parametrize("kind", FailureKind)
def test_each_kind_of_failure(kind: FailureKind) -> None:
    step = after_failure(failure(kind), 1, 10.0, NOW, PATIENCE)
    if kind in PERMANENT:
        assert step == GiveUp("It broke.")
    else:
        assert isinstance(step, Retry) and step.not_before == NOW


def test_pauses_grow_and_tries_end() -> None:
    steps = [
        after_failure(failure(FailureKind.CRASHED), n, 0.0, NOW, PATIENCE) for n in range(1, 5)
    ]
    pauses = [step.not_before - NOW for step in steps if isinstance(step, Retry)]
    assert pauses == list(BACK_OFF_SECONDS[:3])
    assert steps[-1] == GiveUp("It broke. (after 4 tries)")


def test_more_memory_is_asked_for_with_a_number() -> None:
    step = after_failure(failure(FailureKind.OUT_OF_MEMORY), 1, 10.0, NOW, PATIENCE)
    assert step.because == "It broke. Tried again with 11.5 GiB or in a leaner way."


def test_a_loss_is_tried_again_but_not_for_ever() -> None:
    assert isinstance(after_loss("gone", 1, NOW, PATIENCE), Retry)
    assert after_loss("gone", 4, NOW, PATIENCE) == GiveUp("gone (after 4 tries)")
