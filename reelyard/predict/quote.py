"""What a film would need before anything is made: can it be, when would it be done, how much
memory, energy and money, and which scene is the dear one. Pure: catalog, fleet, lessons, prices and
the moment are given; no farm is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from reelyard.catalog import Catalog
from reelyard.predict.answer import plan_view
from reelyard.predict.bill import money, rent, total
from reelyard.predict.case import Case
from reelyard.predict.fleet import Fleet, labels
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.outlook import Outlook, shots
from reelyard.predict.prices import NO_PRICES, Prices
from reelyard.predict.timetable import Run, timetable
from reelyard.predict.transfer import READ_GB_S
from reelyard.predict.verdict import devices, least_need, why_nowhere
from reelyard.predict.views import Quote, QuotedScene
from reelyard.predict.worklist import pieces
from reelyard.shots import LETTERS_PER_SECOND, film_format, fixed_frames
from reelyard.storyboard import Storyboard


def quote(
    storyboard: Storyboard,
    catalog: Catalog,
    fleet: Fleet,
    lessons: Lessons = NOTHING,
    prices: Prices = NO_PRICES,
    *,
    at: datetime,
) -> Quote:
    """The quote. `storyboard` names only what the catalog has; `at` is now, by the clock that the
    prices' night goes by."""
    case = Case(
        storyboard=storyboard,
        catalog=catalog,
        fleet=fleet,
        prices=prices,
        at=at,
        outlook=Outlook(catalog, lessons),
        shots=shots(storyboard, catalog),
        names=labels(list(fleet.groups)),
    )
    if verdict := _refusal(case):
        return verdict
    return _possible(case)


def _refusal(case: Case) -> Quote | None:
    """What is answered when some picture fits nowhere, or nobody knows whether it does."""
    if not case.fleet.stands:
        return _shown(case, None, "no worker has joined the farm yet; it will wait")
    if not case.speakers:
        return _shown(case, False, "no node has a CPU, which says the lines and makes the film")
    for shot in case.shots:
        if not case.able(shot.ask):
            unknown = any(
                case.outlook.chance(shot.ask, group).least_gib is None and group.has(shot.ask.model)
                for group in case.groups
            )
            return _shown(case, None if unknown else False, why_nowhere(shot, case))
    return None


def _shown(case: Case, is_possible: bool | None, because: str) -> Quote:
    """A quote without times."""
    return Quote(
        is_possible=is_possible,
        because=because,
        needs_gib=least_need(case),
        currency=case.prices.currency,
        scenes=[_scene(number, case, {}) for number in range(len(case.storyboard.scenes))],
        devices=list(devices(case)),
        assumptions=list(_assumptions(case, {})),
    )


def _possible(case: Case) -> Quote:
    work = list(pieces(case))
    shown = _shown(case, True, _because(case))
    if not all(piece.costs for piece in work):
        unknown = "how long it takes is not known: a device that it needs is of no known type"
        return shown.model_copy(update={"assumptions": [unknown, *shown.assumptions]})
    runs = {run.piece.number: run for run in timetable(work, case.fleet)}
    done = max(run.ends for run in runs.values())
    ends = [max(r.ends for r in timetable(work, case.fleet, pace)) for pace in ("low", "high")]
    times = {
        "done_in_seconds": round(done, 2),
        "done_in_range": (round(min(done, ends[0]), 2), round(max(done, ends[1]), 2)),
    }
    pictures = dict(enumerate(runs[number] for number in range(len(case.shots))))
    return shown.model_copy(update={**times, **_figures(pictures, case)})


def _figures(runs: Mapping[int, Run], case: Case) -> dict[str, object]:
    """What the pictures take together, and each scene of it; `runs` by shot."""
    scenes = [_scene(number, case, runs) for number in range(len(case.storyboard.scenes))]
    energy = total(one.energy_wh for one in scenes)
    return {
        "device_seconds": round(sum(run.seconds for run in runs.values()), 2),
        "load_seconds": round(sum(run.load_seconds for run in runs.values()), 2),
        "needs_gib": round(max(case.way(n, run.group).bound_gib for n, run in runs.items()), 2),
        "energy_wh": None if energy is None else round(energy, 3),
        "money": money(runs, case),
        "rent": rent(runs, case),
        "dearest_scene": max(scenes, key=lambda one: one.seconds or 0.0).scene,
        "scenes": scenes,
        "assumptions": list(_assumptions(case, runs)),
    }


def _because(case: Case) -> str:
    able = [group for group in case.groups if all(case.able(a).get(group) for a in case.asks)]
    count = sum(number for group, number in case.fleet.groups.items() if group in able)
    if not able:
        return "every picture fits a device, but no kind of device takes them all"
    devices = "1 device" if count == 1 else f"any of {count} devices"
    return f"every picture fits {devices} ({', '.join(case.names[g] for g in able)})"


def _scene(scene: int, case: Case, runs: Mapping[int, Run]) -> QuotedScene:
    """`runs` by shot; without them only what the scene is."""
    mine = [number for number, shot in enumerate(case.shots) if shot.scene == scene]
    asks = [case.shots[number].ask for number in mine]
    bare = QuotedScene(
        scene=scene,
        model=asks[0].model,
        frames=sum(ask.shape.frames for ask in asks),
        shots=len(asks),
    )
    if not runs:
        return bare
    ways = {number: case.way(number, runs[number].group) for number in mine}
    seconds = sum(runs[number].seconds for number in mine)
    whole = sum(run.seconds for run in runs.values())
    hungriest = max(mine, key=lambda number: ways[number].bound_gib)
    energy = total(way.watt_hours for way in ways.values())
    return bare.model_copy(
        update={
            "device": ", ".join(dict.fromkeys(case.names[runs[n].group] for n in mine)),
            "plan": plan_view(ways[hungriest].plan),
            "bound_gib": round(ways[hungriest].bound_gib, 2),
            "seconds": round(seconds, 2),
            "energy_wh": None if energy is None else round(energy, 3),
            "share": round(seconds / whole, 4) if whole else None,
        }
    )


def _assumptions(case: Case, runs: Mapping[int, Run]) -> Iterator[str]:
    """What a person should know before believing the figures."""
    film = film_format(case.storyboard, case.catalog)
    free = sum(1 for s in case.storyboard.scenes if fixed_frames(s, film.fps) is None)
    if free:
        scenes = "1 scene is" if free == 1 else f"{free} scenes are"
        rate = f"{LETTERS_PER_SECOND:g} letters a second"
        yield f"{scenes} as long as the line takes: counted at {rate} and pauses"
    yield from case.fleet.notes
    if not runs:
        return
    yield "voices and the film: seconds as measured on a CPU with 2 cores"
    used = dict.fromkeys((case.shots[number].ask, run.group) for number, run in runs.items())
    if any(group.host.read_gb_s is None for _, group in used):
        yield f"weights are read at {READ_GB_S:g} GB/s where nobody measured the disk"
    said: dict[str, None] = {}
    for ask, group in used:
        way = case.outlook.chance(ask, group).way
        if way is not None:
            of = f"{ask.model} on {case.names[group]}: "
            said |= dict.fromkeys(of + part for part in case.outlook.basis(ask, group, way)[1:])
    yield from said
    yield "energy is what the devices draw for the pictures, without the machines around them"
    if case.prices.rent:
        yield "rent counts the hours that devices spend on this film, loading included"
