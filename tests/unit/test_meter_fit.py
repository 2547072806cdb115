"""Laws through points: what they find, what they leave out, how they are checked."""

from __future__ import annotations

import pytest

from worker.engines.measure.fit import error, law, nonnegative_law, value


def test_a_line_is_found_again() -> None:
    terms = [(1.0, s) for s in (1_000.0, 5_000.0, 20_000.0)]
    found = law(terms, [7e6 + 3e5 * s for _, s in terms])
    assert found == (7e6, 3e5)
    assert error(found, terms, [7e6 + 3e5 * s for _, s in terms]) < 1e-12


def test_six_digits_are_kept() -> None:
    assert law([(1.0,), (1.0,)], [1_234_567.0, 1_234_567.0]) == (1_234_570.0,)


def test_noise_of_the_arithmetic_is_nothing() -> None:
    """A term that explains no point is left out, not written as 1e-12."""
    terms = [(1.0, s, s * f) for s in (1e5, 3e5) for f in (17.0, 33.0)]
    assert law(terms, [12.5 * row[2] for row in terms]) == (0.0, 0.0, 12.5)


def test_nothing_measured_is_a_law_of_nothing() -> None:
    assert law([(1.0, 2.0), (1.0, 3.0)], [0, 0]) == (0.0, 0.0)


@pytest.mark.parametrize(
    "true",
    [(9e7, 1.8e5, 0.0, 0.0), (2e8, 0.0, 4e5, 0.0), (0.0, 0.0, 2e5, 3e5)],
    ids=["whole film", "frame by frame", "frame, then time"],
)
def test_attention_of_every_kind_is_told_apart(true: tuple[float, ...]) -> None:
    grids = [(p, t) for p in (200.0, 500.0) for t in (8.0, 16.0)]
    terms = [(p * t, (p * t) ** 2, p * t * p, p * t * t) for p, t in grids]
    points = [value(true, row) for row in terms]
    found = nonnegative_law(terms, points)
    assert min(found) >= 0
    assert error(found, terms, points) < 1e-3
    assert [f > 0 for f in found] == [t > 0 for t in true]


def test_an_error_is_relative_and_the_largest() -> None:
    assert error((1.0,), [(10.0,), (20.0,)], [10.0, 25.0]) == pytest.approx(0.2)
