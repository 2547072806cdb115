"""Quotes: fleets that are read, work that is put in order, and what a film would need."""

from __future__ import annotations

import itertools
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reelyard.errors import InvalidInput
from reelyard.predict.fleet import Fleet, Group, Stand, labels, read_fleet
from reelyard.predict.lessons import Key, Lesson, gathered
from reelyard.predict.prices import NO_PRICES, Prices, Tariff
from reelyard.predict.quote import quote
from reelyard.predict.timetable import Cost, Piece, Run, timetable
from reelyard.predict.views import Quote
from reelyard.shots import shot_frames
from reelyard.storyboard import Storyboard
from tests.support.core_values import CATALOG, DEMO, LARGE, SMALL

NOW = datetime.fromisoformat("2026-11-25T10:00:00+01:00")
EXAMPLES = Path(__file__).parents[2] / "examples"
CPU = Group("cpu", "cpu", 0.0, renders=False, speaks=True)
PRICES = Prices("EUR", Tariff(0.30, 0.30), {"h100-sxm": 2.5, "rtx-4090": 0.4})
SILENT = {"picture": "a red circle", "seconds": 3.0}
SPOKEN = {"picture": "a red circle", "say": "All day long, red boats pass by on the sea."}


def group(type: str = "rtx-4090", room_gib: float | None = None, **more: Any) -> Group:
    device = CATALOG.devices[type]
    room = device.usable_gib.value if room_gib is None else room_gib
    return Group(type, type, room, device=device, one_pool=device.unified, **more)


def fleet(*stands: Stand | Group, speaker: bool = True) -> Fleet:
    found = [one if isinstance(one, Stand) else Stand(one) for one in stands]
    return Fleet((*found, Stand(CPU)) if speaker else tuple(found))


def asked(on: Fleet, *scenes: dict[str, Any], prices: Prices = NO_PRICES, **more: Any) -> Quote:
    board = Storyboard.model_validate({"model": SMALL, "scenes": scenes or (SILENT,), **more})
    return quote(board, CATALOG, on, prices=prices, at=NOW)


class TestFleets:
    def test_the_example_reads(self) -> None:
        found = read_fleet(EXAMPLES / "fleet.toml", CATALOG)
        counts = {group.name: count for group, count in found.groups.items() if group.renders}
        assert counts == {"rtx-4090": 1, "h100-sxm": 8, "jetson-agx-orin-64gb": 1}
        assert sum(stand.count for stand in found.stands if stand.group.speaks) == 4

    def test_a_cpu_makes_pictures_only_where_it_is_named(self, tmp_path: Path) -> None:
        found = self.read(tmp_path, 'name = "a"\ndevices = ["cpu"]\nram_gib = 32')
        [cpu] = found.groups
        assert cpu.renders and cpu.speaks and cpu.one_pool
        assert cpu.room_gib == pytest.approx(24.0)

    def test_a_device_of_no_known_type_needs_its_memory(self, tmp_path: Path) -> None:
        text = 'name = "a"\ndevices = [{ name = "own-gpu", memory_gib = 20 }]'
        first, _ = self.read(tmp_path, text).groups
        assert (first.name, first.type, first.room_gib) == ("own-gpu", "", 20.0)

    def test_groups_of_one_name_are_told_apart(self) -> None:
        groups = [group(), group(room_gib=20.0), group(room_gib=20.0, models=frozenset({SMALL}))]
        names = [*labels(groups).values()]
        assert names == ["rtx-4090 (23.5 GiB)", "rtx-4090 (20.0 GiB)", "rtx-4090 (20.0 GiB) #2"]

    @pytest.mark.parametrize(
        ("text", "field"),
        [
            ('name = "a"\ndevices = []', "nodes.0.devices"),
            ('name = "a"\ndevices = ["rtx-4091"]', "nodes[0].devices[0]"),
            ('name = "a"\ndevices = [{ count = 2 }]', "nodes.0.devices.0"),
            ('name = "a"\ndevices = ["rtx-4090"]\nmodels = ["wan9"]', "nodes[0].models"),
            ('name = "a"\ndevices = ["rtx-4090"]\ncount = 0', "nodes.0.count"),
            ('name = "a"\ndevices = ["rtx-4090"]\nram = 3', "nodes.0.ram"),
            (
                'name = "a"\ndevices = [{ type = "rtx-4090", resident = ["x"] }]',
                "nodes[0].devices[0].resident",
            ),
        ],
    )
    def test_what_is_wrong_is_named(self, tmp_path: Path, text: str, field: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            self.read(tmp_path, text)
        [problem] = refused.value.problems
        assert problem.field == field and problem.remedy

    def read(self, tmp_path: Path, node: str) -> Fleet:
        (tmp_path / "fleet.toml").write_text(f"[[nodes]]\n{node}\n")
        return read_fleet(tmp_path / "fleet.toml", CATALOG)


ONE, TWO = group("rtx-4090"), group("h100-sxm")


def cost(seconds: float, model: str = "m", load: float = 10.0, **more: Any) -> Cost:
    return Cost(seconds, seconds / 2, seconds * 2, load_seconds=load, model=model, **more)


class TestTimetable:
    def test_a_model_is_loaded_once_per_device(self) -> None:
        pieces = [Piece(n, {ONE: cost(5.0)}) for n in range(3)]
        runs = timetable(pieces, fleet(ONE))
        assert [run.load_seconds for run in runs] == [10.0, 0.0, 0.0]
        assert runs[-1].ends == 25.0

    def test_what_is_in_memory_is_not_loaded(self) -> None:
        held = Stand(ONE, resident=frozenset({"m"}))
        [run] = timetable([Piece(0, {ONE: cost(5.0)})], fleet(held))
        assert run.ends == 5.0

    def test_another_form_of_the_weights_is_another_load(self) -> None:
        forms = ("bf16 none", "fp8 none", "bf16 none")
        pieces = [Piece(n, {ONE: cost(5.0, variant=form)}) for n, form in enumerate(forms)]
        assert [run.load_seconds for run in timetable(pieces, fleet(ONE))] == [10.0, 10.0, 10.0]

    @pytest.mark.parametrize(("gib", "loads"), [(4.0, 2), (15.0, 4)])
    def test_models_that_fit_together_stay(self, gib: float, loads: int) -> None:
        own = {name: cost(5.0, name, needs_gib=gib, keeps_gib=gib) for name in ("a", "b")}
        pieces = [Piece(n, {ONE: own["ab"[n % 2]]}) for n in range(4)]
        runs = timetable(pieces, fleet(ONE))
        assert sum(1 for run in runs if run.load_seconds) == loads

    def test_a_load_is_worth_it_only_when_it_is_done_sooner(self) -> None:
        on = fleet(Stand(ONE, resident=frozenset({"m"})), Stand(ONE))
        short = timetable([Piece(n, {ONE: cost(4.0)}) for n in range(2)], on)
        long = timetable([Piece(n, {ONE: cost(40.0)}) for n in range(2)], on)
        assert [run.begins for run in short] == [0.0, 4.0]
        assert [run.begins for run in long] == [0.0, 0.0]

    def test_the_faster_device_until_the_slower_one_is_sooner(self) -> None:
        pieces = [Piece(n, {ONE: cost(30.0, load=0), TWO: cost(10.0, load=0)}) for n in range(4)]
        runs = timetable(pieces, fleet(ONE, TWO))
        assert sum(1 for run in runs if run.group == ONE) == 1
        assert max(run.ends for run in runs) == 30.0

    def test_busy_devices_come_later(self) -> None:
        [run] = timetable([Piece(0, {ONE: cost(5.0)})], fleet(Stand(ONE, busy_seconds=60.0)))
        assert (run.begins, run.ends) == (60.0, 75.0)

    @given(data=st.data())
    def test_nothing_begins_before_its_needs_and_no_device_does_two_things(
        self, data: st.DataObject
    ) -> None:
        pieces = []
        for number in range(data.draw(st.integers(1, 12))):
            needs = data.draw(st.sets(st.integers(0, number - 1), max_size=2)) if number else set()
            costs = {one: cost(data.draw(st.floats(1, 50))) for one in (ONE, TWO)}
            pieces.append(Piece(number, costs, tuple(sorted(needs))))
        counts = {ONE: data.draw(st.integers(1, 3)), TWO: data.draw(st.integers(1, 3))}
        runs = timetable(pieces, fleet(*(Stand(one, count) for one, count in counts.items())))
        self.check(runs, counts)
        assert len(runs) == len(pieces)

    def check(self, runs: list[Run], counts: dict[Group, int]) -> None:
        ends = {run.piece.number: run.ends for run in runs}
        for run in runs:
            assert all(run.begins >= ends[need] for need in run.piece.needs)
        for one, count in counts.items():
            mine = [run for run in runs if run.group == one]
            for run in mine:
                at_once = [o for o in mine if o.begins <= run.begins < o.ends]
                assert len(at_once) <= count


class TestQuote:
    def test_an_empty_fleet_is_not_known(self) -> None:
        found = asked(Fleet(()))
        assert found.is_possible is None and "no worker has joined" in found.because

    def test_somebody_has_to_speak(self) -> None:
        assert asked(fleet(group(), speaker=False)).is_possible is False

    def test_what_fits_nowhere_says_by_how_much_and_what_would_help(self) -> None:
        found = asked(fleet(group(room_gib=3.0)), model=LARGE)
        assert found.is_possible is False and found.done_in_seconds is None
        assert "scene 1: wan2.1-t2v-14b" in found.because
        assert "GiB even with" in found.because and "has 3.0" in found.because
        assert "it would fit" in found.because
        [device] = found.devices
        assert not device.can and "it would fit" in device.because

    def test_times_memory_and_energy_add_up(self) -> None:
        found = asked(fleet(group("h100-sxm")), SILENT, {**SILENT, "seconds": 5.0})
        assert found.is_possible is True and found.done_in_range is not None
        seconds = [scene.seconds or 0.0 for scene in found.scenes]
        assert found.device_seconds == pytest.approx(sum(seconds), abs=0.05)
        assert sum(scene.share or 0 for scene in found.scenes) == pytest.approx(1.0, abs=1e-3)
        assert found.dearest_scene == 1 and seconds[1] > seconds[0]
        low, high = found.done_in_range
        assert found.done_in_seconds is not None
        assert low < found.done_in_seconds < high
        busy = (found.device_seconds or 0) + (found.load_seconds or 0)
        assert busy < found.done_in_seconds < busy + 30
        assert found.needs_gib == max(scene.bound_gib or 0 for scene in found.scenes)
        energy = [scene.energy_wh or 0.0 for scene in found.scenes]
        assert found.energy_wh == pytest.approx(sum(energy), abs=0.01)

    def test_a_model_in_memory_saves_its_load(self) -> None:
        cold = asked(fleet(group("h100-sxm")))
        warm = asked(fleet(Stand(group("h100-sxm"), resident=frozenset({SMALL}))))
        assert cold.load_seconds and warm.load_seconds == 0.0
        assert cold.done_in_seconds is not None and warm.done_in_seconds is not None
        saved = cold.done_in_seconds - warm.done_in_seconds
        assert saved == pytest.approx(cold.load_seconds, abs=0.05)

    def test_two_devices_are_sooner_done_and_draw_the_same(self) -> None:
        scenes = [SILENT] * 4
        one = asked(fleet(Stand(group("h100-sxm"), 1)), *scenes)
        two = asked(fleet(Stand(group("h100-sxm"), 2)), *scenes)
        assert (two.done_in_seconds or 0) < 0.7 * (one.done_in_seconds or 0)
        assert one.energy_wh == two.energy_wh

    def test_shots_that_follow_each_other_gain_nothing_from_a_second_device(self) -> None:
        scene = {**SILENT, "seconds": 30.0}
        one = asked(fleet(Stand(group("h100-sxm"), 1)), scene, model=DEMO)
        two = asked(fleet(Stand(group("h100-sxm"), 2)), scene, model=DEMO)
        assert one.scenes[0].shots > 1 and one.done_in_seconds == two.done_in_seconds
        model = CATALOG.models[DEMO]
        lengths = shot_frames(model, 30 * model.fps, True)
        assert one.scenes[0].frames == sum(lengths)

    def test_a_free_scene_is_counted_by_its_line_and_says_so(self) -> None:
        short, long = (
            asked(fleet(group()), {**SPOKEN, "say": line}) for line in ("Yes.", SPOKEN["say"])
        )
        assert short.scenes[0].frames < long.scenes[0].frames
        assert any("as long as the line takes" in said for said in long.assumptions)

    def test_the_small_gpu_takes_what_fits_and_says_what_does_not(self) -> None:
        on = fleet(group(room_gib=3.0), group("h100-sxm"))
        found = asked(on, SILENT, {**SILENT, "model": LARGE, "seconds": 5.0})
        can = {device.device: device for device in found.devices}
        assert found.is_possible is True and found.scenes[1].device == "h100-sxm"
        assert can["h100-sxm"].can and not can["rtx-4090"].can
        assert "has 3.0" in can["rtx-4090"].because

    def test_money_beside_rent(self) -> None:
        found = asked(fleet(group("h100-sxm")), prices=PRICES)
        assert found.energy_wh is not None and found.device_seconds is not None
        assert found.money == pytest.approx(found.energy_wh / 1000 * 0.30, abs=1e-4)
        hours = (found.device_seconds + (found.load_seconds or 0)) / 3600
        assert found.rent == pytest.approx(hours * 2.5, abs=1e-3) and found.currency == "EUR"

    def test_what_nobody_priced_is_null(self) -> None:
        found = asked(fleet(group("l40s")), prices=PRICES)
        assert found.rent is None and found.money is not None
        bare = asked(fleet(group("l40s")))
        assert (bare.money, bare.rent, bare.currency) == (None, None, "")

    def test_a_device_of_no_known_type_has_memory_but_no_times(self) -> None:
        found = asked(fleet(Group("own-gpu", "", 40.0)))
        assert found.is_possible is True and found.devices[0].can
        assert (found.done_in_seconds, found.energy_wh) == (None, None)
        assert any("no known type" in said for said in found.assumptions)

    def test_a_device_without_the_model_says_so(self) -> None:
        found = asked(fleet(group(models=frozenset({LARGE}))))
        assert found.is_possible is False
        assert found.devices[0].because == f"its nodes do not have the model {SMALL}"

    def test_lessons_change_the_time(self) -> None:
        board = Storyboard.model_validate({"model": SMALL, "scenes": [SILENT]})
        on = fleet(Stand(group("h100-sxm"), resident=frozenset({SMALL})))
        lesson = Lesson(Key(SMALL, "bf16", "h100-sxm"), runs=50, timed=50, seconds=2.0)
        before = quote(board, CATALOG, on, at=NOW)
        after = quote(board, CATALOG, on, gathered([lesson]), at=NOW)
        assert (after.device_seconds or 0) > 1.8 * (before.device_seconds or 0)

    @given(
        seconds=st.lists(st.floats(0.5, 40), min_size=1, max_size=6),
        count=st.integers(1, 4),
        continues=st.booleans(),
    )
    def test_a_film_is_never_done_before_its_longest_scene(
        self, seconds: list[float], count: int, continues: bool
    ) -> None:
        scenes = [{**SILENT, "seconds": length, "continue": False} for length in seconds]
        for scene in itertools.islice(scenes, 1, None):
            scene["continue"] = continues
        found = asked(fleet(Stand(group("rtx-4090"), count)), *scenes, model=DEMO)
        times = [scene.seconds or 0.0 for scene in found.scenes]
        done = found.done_in_seconds or 0.0
        assert done >= sum(times) / count
        assert done >= (sum(times) if continues else max(times))
