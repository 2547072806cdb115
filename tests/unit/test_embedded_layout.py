"""Where an embedded farm keeps its things, and what its processes are told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reelyard.embedded.layout import Layout, Ports

LAYOUT = Layout(state=Path("/yard"), ports=Ports(1, 2, 3), token_file=Path("/yard/token"))


def test_everything_embedded_lives_in_the_state_folder() -> None:
    told = LAYOUT.environment({"PATH": "/bin"}, "redis://broker")
    assert told["PATH"] == "/bin"
    assert told["REELYARD_DATABASE_URL"] == "sqlite:////yard/farm.db"
    assert told["REELYARD_STORE_URL"] == "file:///yard/artifacts"
    assert told["REELYARD_BROKER_URL"] == "redis://broker"
    assert told["REELYARD_URL"] == "http://127.0.0.1:1"


def test_outside_servers_take_the_place_of_embedded_ones() -> None:
    layout = replace(LAYOUT, database_url="postgresql+psycopg://db", store_url="s3://films")
    told = layout.environment({}, "redis://broker")
    assert told["REELYARD_DATABASE_URL"] == "postgresql+psycopg://db"
    assert told["REELYARD_STORE_URL"] == "s3://films"
