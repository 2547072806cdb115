"""Whatever step of the rule chose a task, there is a sentence for it."""

from __future__ import annotations

from coordinator.core.reasons import STEP_SENTENCES
from coordinator.core.yard.wishes import Step


def test_every_step_of_the_rule_has_a_sentence() -> None:
    assert set(STEP_SENTENCES) == set(Step) and all(STEP_SENTENCES.values())
