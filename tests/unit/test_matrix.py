"""Every model over every kind of device, from the catalog alone and from a farm's devices."""

from __future__ import annotations

from dataclasses import replace

import pytest

from coordinator.core.fits import columns, matrix
from reelyard.catalog import Catalog
from reelyard.plan import Offload
from reelyard.predict import matrix as predicted
from reelyard.predict.answer import Status
from reelyard.predict.ask import predict
from reelyard.predict.forecast import Host
from reelyard.predict.lessons import Key, Lesson, gathered
from reelyard.predict.matrix import Column, catalog_columns, parameters, weights_gib
from reelyard.predict.request import Request
from reelyard.predict.views import FitCell, FitMatrix
from reelyard.states import WorkerState
from tests.support.core_values import CATALOG, DEMO, LARGE, SMALL, device

CARD = device(id="cuda:0")


def only(*models: str) -> Catalog:
    """The catalog with few models: the whole takes a second."""
    return replace(CATALOG, models={name: CATALOG.models[name] for name in models})


def cell(found: FitMatrix, model: str, column: str) -> FitCell:
    row = next(row for row in found.data if row.model == model)
    return next(cell for cell in row.cells if cell.device == column)


def test_every_model_has_a_cell_for_every_type() -> None:
    found = predicted.matrix(only(DEMO, SMALL), catalog_columns(CATALOG))
    assert {d.id for d in found.devices} == set(CATALOG.devices)
    assert found.devices[-1].id == "cpu" and {d.count for d in found.devices} == {0}
    for row in found.data:
        assert [c.device for c in row.cells] == [d.id for d in found.devices]
        assert all(c.because for c in row.cells)
    assert [row.model for row in found.data] == [DEMO, SMALL]


@pytest.mark.parametrize("type", ["rtx-4090", "h100-sxm", "cpu"])
@pytest.mark.parametrize("model", [DEMO, SMALL, LARGE])
def test_a_cell_is_what_one_question_would_be_answered(model: str, type: str) -> None:
    found = cell(predicted.matrix(only(model), catalog_columns(CATALOG)), model, type)
    answer = predict(Request(model=model, device=type), CATALOG)
    assert found.status == answer.status
    if answer.status == "ok":
        assert answer.plan is not None and answer.seconds is not None
        assert found.plan == answer.plan.sentence
        assert found.bound_gib == pytest.approx(answer.bound_vram_gib, abs=0.01)
        assert found.seconds == pytest.approx(answer.seconds, abs=0.01)
    else:
        assert found.seconds is None and "GiB" in found.because


def test_a_model_that_nobody_measured_is_not_known_to_fit() -> None:
    part = next(p for p in CATALOG.models[SMALL].parts if p.role == "denoiser")
    bare = CATALOG.components[part.component].model_copy(update={"denoiser": None})
    catalog = replace(only(SMALL), components={**CATALOG.components, part.component: bare})
    found = cell(predicted.matrix(catalog, catalog_columns(CATALOG)), SMALL, "h100-sxm")
    assert found.status is Status.UNKNOWN and part.component in found.because


def test_what_fits_the_device_but_not_the_ram_says_so() -> None:
    card = CATALOG.devices["rtx-4090"]
    poor = Column(card, card.name, 8.0, host=Host(ram_gib=4.0))
    found = cell(predicted.matrix(only(LARGE), [poor]), LARGE, "rtx-4090")
    assert found.status is Status.INFEASIBLE
    assert "GiB of RAM, its node has 4.0" in found.because


def test_own_runs_are_marked_and_count() -> None:
    plain = cell(predicted.matrix(only(SMALL), catalog_columns(CATALOG)), SMALL, "h100-sxm")
    key = Key(SMALL, plain.plan, "h100-sxm")
    taught = gathered([Lesson(key, runs=50, timed=50, most_memory=1.0, seconds=2.0)])
    found = predicted.matrix(only(SMALL), catalog_columns(CATALOG), taught)
    told = cell(found, SMALL, "h100-sxm")
    assert told.is_measured and not plain.is_measured
    assert plain.seconds is not None
    assert told.seconds == pytest.approx(plain.seconds * 2, rel=0.1)
    assert not cell(found, SMALL, "h200").is_measured


def test_weights_and_parameters() -> None:
    model = CATALOG.models[LARGE]
    count = sum(CATALOG.components[part.component].parameters for part in model.parts)
    assert parameters(model, CATALOG) == count > 14e9
    assert weights_gib(model, CATALOG) == pytest.approx(count * 2 / 2**30, rel=0.02)


# Of a farm.


def test_alike_devices_are_one_column() -> None:
    found = columns(CATALOG, [CARD, device("v", "cuda:1", foreign_gib=3.0), device()])
    assert [(c.key, c.count, c.memory_gib) for c in found] == [
        ("rtx-4090", 2, 24.0),
        ("cpu", 1, 16.0),
    ]


def test_devices_of_one_type_that_differ_are_told_apart() -> None:
    found = columns(
        CATALOG,
        [CARD, device("v", "cuda:0", memory_gib=48.0), device("u", "cuda:0", ram_gib=64.0)],
    )
    keys = [c.key for c in found]
    assert len(set(keys)) == 3 and all(key.startswith("rtx-4090 ") for key in keys)
    listed = matrix(only(DEMO), [CARD, device("v", "cuda:0", memory_gib=48.0)])
    assert [c.device for c in listed.data[0].cells] == [d.id for d in listed.devices]


def test_a_device_of_no_known_type_is_there_without_times() -> None:
    strange = replace(CARD, type="", name="Voodoo 2")
    found = cell(matrix(only(SMALL), [strange]), SMALL, "Voodoo 2")
    assert found.status is Status.OK and found.seconds is None
    assert "of no type in the catalog" in found.because


def test_a_board_of_no_known_type_is_one_pool() -> None:
    board = replace(CARD, type="", name="Board", kind="jetson", unified=True, ram_gib=64.0)
    (column,) = columns(CATALOG, [board])
    assert column.wish.offload is Offload.NONE and column.host.ram_gib is None


def test_who_is_away_has_no_column_and_holds_nothing() -> None:
    gone = replace(CARD, state=WorkerState.OFFLINE, resident=frozenset({DEMO}))
    here = device("v", resident=frozenset({DEMO}))
    found = matrix(only(DEMO), [gone, here])
    assert [d.id for d in found.devices] == ["cpu"]
    assert found.data[0].resident_on == [here.title]
    assert matrix(only(DEMO), []).data[0].cells == []
