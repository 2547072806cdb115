"""An address of a database that is none is refused in words, without its password."""

from __future__ import annotations

import pytest

from coordinator.store.database import Database
from reelyard.errors import InvalidInput, NotInstalled


@pytest.mark.parametrize(
    "url", ["nonsense", "", "mysql://u:secret@h/x", "oracle9://u:secret@h/x", "http://u:secret@h"]
)
def test_what_is_no_address_says_what_one_looks_like(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Database(url)
    problem = refused.value.problems[0]
    assert problem.field == "REELYARD_DATABASE_URL" and "postgresql+psycopg://" in problem.remedy
    assert "secret" not in str(refused.value)


def test_a_missing_driver_says_how_to_get_one() -> None:
    with pytest.raises(NotInstalled, match="pip install"):
        Database("postgresql+pg8000://u@h/x")
