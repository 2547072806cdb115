"""Answers questions: will it fit, how, how long, at what energy; if not, what would make it fit.

Pure: the catalog and the lessons are given.
"""

from __future__ import annotations

from reelyard.catalog import Catalog, DeviceType, Role, VideoModel, id_of
from reelyard.catalog.identify import find_device
from reelyard.predict.answer import Answer, Status, plan_view, stage_views
from reelyard.predict.forecast import Circumstances, Forecast, Host, basis, timed
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.memory import CONTEXT_GIB
from reelyard.predict.plans import best, merit, ways
from reelyard.predict.remedy import remedies
from reelyard.predict.request import Request
from reelyard.predict.shape import GIB, Shape, legal
from reelyard.predict.subject import Subject, subject


def predict(request: Request, catalog: Catalog, lessons: Lessons = NOTHING) -> Answer:
    """The answer to one question."""
    model = find_model(request.model, catalog)
    device = find_device(request.device, catalog.devices)
    if model is None or device is None or unmeasured(model, catalog):
        return _unknown(request, model, device, catalog)
    shape, notes = legal(model, asked_shape(request, model))
    asked = subject(model, catalog, shape, device)
    under = Circumstances(Host(request.ram_gib, request.read_gb_s), lessons, request.power_cap_w)
    room = request.memory_gib or device.usable_gib.value
    found = ways(asked, request.wish, under)
    way = best(asked, found, room, under) or _tight(found, request, asked, device, under)
    if way is None:
        return _infeasible(request, asked, found, room, notes)
    return _feasible(request, asked, way, room, (*notes, *basis(asked, way.plan, lessons)))


def find_model(asked: str, catalog: Catalog) -> VideoModel | None:
    """By id, or by the hub id it comes from."""
    return catalog.models.get(asked) or catalog.models.get(id_of(asked))


def asked_shape(request: Request, model: VideoModel) -> Shape:
    """What is asked, with the model's own figures for what is left out; its longest clip."""
    return Shape(
        width=request.width or model.width,
        height=request.height or model.height,
        frames=request.frames or model.longest_clip,
        steps=request.steps or model.steps,
        guided=request.guided and model.guidance > 1,
        from_image=request.from_image or model.needs_image,
    )


def unmeasured(model: VideoModel, catalog: Catalog) -> str:
    """The id of a denoiser whose memory and work nobody has measured; empty when all were."""
    parts = (part.component for part in model.of(Role.DENOISER))
    return next((one for one in parts if catalog.components[one].denoiser is None), "")


def _unknown(
    request: Request, model: VideoModel | None, device: DeviceType | None, catalog: Catalog
) -> Answer:
    missing = []
    if model is not None and (part := unmeasured(model, catalog)):
        missing.append(f"{part} was never measured: see `reelyard models add`")
    if model is None:
        missing.append(
            f"the catalog has no model {request.model!r} (add it with `reelyard models add`)"
        )
    if device is None:
        missing.append(f"the catalog has no device {request.device!r}")
    return Answer(
        status=Status.UNKNOWN,
        model=model.id if model else request.model,
        device=device.id if device else request.device,
        gpus=request.gpus,
        because="; ".join(missing),
    )


def _tight(
    found: list[Forecast],
    request: Request,
    asked: Subject,
    device: DeviceType,
    under: Circumstances,
) -> Forecast | None:
    """A plan that somebody insists on is possible when the peak itself fits the whole memory."""
    if request.offload is None or request.memory_gib is not None:
        return None
    memory = device.memory_gb.value * 1e9 / GIB
    context = 0.0 if asked.is_cpu else CONTEXT_GIB
    ram = under.host.ram_gib or float("inf")
    possible = [
        timed(asked, way, under)
        for way in found
        if way.peak_gib + context <= memory and way.footprint.host_gib <= ram
    ]
    return min(possible, key=merit, default=None)


def _feasible(
    request: Request, asked: Subject, way: Forecast, room: float, notes: tuple[str, ...]
) -> Answer:
    said = way.promise(room)
    if way.bound_gib > room:
        said = (
            f"{way.plan.sentence()}: tight, the peak of {way.peak_gib:.1f} GiB fits the device "
            f"but the bound of {way.bound_gib:.1f} is over its usable {room:.1f}"
        )
    around = None
    if way.low is not None and way.high is not None:
        around = (round(way.low, 3), round(way.high, 3))
    times = {
        "status": Status.OK,
        "seconds": _rounded(way.seconds),
        "seconds_range": around,
        "load_seconds": 0.0 if request.resident else _rounded(way.load_seconds),
        "energy_wh": _rounded(way.watt_hours),
    }
    return _filled(request, asked, way, (said, *notes)).model_copy(update=times)


def _filled(request: Request, asked: Subject, way: Forecast, because: tuple[str, ...]) -> Answer:
    """Memory and plan, without times: an infeasible run has none."""
    shape = asked.shape
    return Answer(
        status=Status.INFEASIBLE,
        model=asked.model.id,
        device=asked.device.id if asked.device else request.device,
        gpus=request.gpus,
        width=shape.width,
        height=shape.height,
        frames=shape.frames,
        steps=shape.steps,
        peak_vram_gib=_rounded(way.peak_gib),
        bound_vram_gib=_rounded(way.bound_gib),
        host_ram_gib=_rounded(way.footprint.host_gib),
        weights_gib=_rounded(way.footprint.weights_gib),
        plan=plan_view(way.plan),
        stages=stage_views(way),
        because="; ".join(because),
    )


def _infeasible(
    request: Request,
    asked: Subject,
    found: list[Forecast],
    room: float,
    notes: tuple[str, ...],
) -> Answer:
    leanest = min(found, key=lambda way: (way.bound_gib, way.footprint.host_gib))
    said = (
        f"needs {leanest.bound_gib:.1f} GiB even with {leanest.plan.sentence()}, "
        f"{leanest.bound_gib - room:.1f} more than the {room:.1f} GiB of {request.device}"
    )
    if leanest.bound_gib <= room and request.ram_gib is not None:
        said = (
            f"{leanest.plan.sentence()} fits the device but needs "
            f"{leanest.footprint.host_gib:.1f} GiB of RAM, the node has {request.ram_gib:.1f}"
        )
    would_fit = list(remedies(request, asked, leanest.plan, room))
    remedy = ("it would fit " + ", or ".join(would_fit),) if would_fit else ()
    return _filled(request, asked, leanest, (said, *remedy, *notes))


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
