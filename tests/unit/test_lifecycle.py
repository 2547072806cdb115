"""The tables say everything: each pair advances, any other is refused, the drawing shows them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

import pytest

from coordinator.core.lifecycle import (
    ATTEMPT,
    JOB,
    TASK,
    WORKER,
    AttemptEvent,
    JobEvent,
    TaskEvent,
    WorkerEvent,
    advance,
    draw,
    outcome,
)
from reelyard.errors import IllegalTransition
from reelyard.states import (
    FINAL_ATTEMPT_STATES,
    FINAL_JOB_STATES,
    FINAL_TASK_STATES,
    AttemptState,
    JobState,
    TaskState,
    WorkerState,
)

Table = Mapping[tuple[StrEnum, StrEnum], StrEnum]

CYCLES = {
    "job": (JOB, JobState, JobEvent, JobState.QUEUED),
    "task": (TASK, TaskState, TaskEvent, TaskState.WAITING),
    "attempt": (ATTEMPT, AttemptState, AttemptEvent, AttemptState.SENT),
    "worker": (WORKER, WorkerState, WorkerEvent, WorkerState.ONLINE),
}
every_cycle = pytest.mark.parametrize(
    ("table", "states", "events", "first"), CYCLES.values(), ids=list(CYCLES)
)


@every_cycle
def test_a_pair_of_the_table_advances_and_any_other_is_refused(
    table: Table, states: type[StrEnum], events: type[StrEnum], first: StrEnum
) -> None:
    for pair in itertools.product(states, events):
        if pair in table:
            assert advance(table, *pair) is table[pair]
        else:
            with pytest.raises(IllegalTransition, match="nothing says what becomes"):
                advance(table, *pair)


@every_cycle
def test_every_state_can_be_reached_and_every_event_can_happen(
    table: Table, states: type[StrEnum], events: type[StrEnum], first: StrEnum
) -> None:
    reached = {first}
    for _ in states:
        reached |= {after for (before, _), after in table.items() if before in reached}
    assert reached == set(states)
    assert {event for _, event in table} == set(events)


@pytest.mark.parametrize(
    ("table", "final"), [(JOB, FINAL_JOB_STATES), (TASK, FINAL_TASK_STATES)], ids=["job", "task"]
)
def test_what_has_ended_stays_ended(table: Table, final: frozenset[StrEnum]) -> None:
    assert not {before for before, _ in table} & final


def test_only_a_lost_attempt_may_still_deliver() -> None:
    leaving = {pair for pair in ATTEMPT if pair[0] in FINAL_ATTEMPT_STATES}
    assert leaving == {(AttemptState.LOST, AttemptEvent.FINISH)}


def test_a_guard_names_the_states_before_and_the_one_after() -> None:
    befores, after = outcome(TASK, TaskEvent.RETRY)
    assert set(befores) == {TaskState.ASSIGNED, TaskState.RUNNING}
    assert after is TaskState.WAITING


def test_a_guard_is_refused_where_the_outcome_depends_on_the_state() -> None:
    with pytest.raises(IllegalTransition):
        outcome(WORKER, WorkerEvent.APPEAR)


def test_the_drawing_in_the_docs_is_that_of_the_tables() -> None:
    page = Path(__file__).parents[2] / "docs" / "states.md"
    assert page.read_text(encoding="utf-8") == draw()
    assert f"  {TaskState.WAITING} --> {TaskState.ASSIGNED}: {TaskEvent.ASSIGN}" in draw()
