"""Answers questions: will it fit, how, how long, at what energy; if not, what would make it fit.

Pure: the catalog and the lessons are given.
"""

from __future__ import annotations

from reelyard.catalog import Catalog, DeviceType, VideoModel, id_of
from reelyard.catalog.identify import find_device
from reelyard.predict.answer import Answer, Status, plan_view, stage_views
from reelyard.predict.forecast import Forecast, Host
from reelyard.predict.lessons import NOTHING, Lessons
from reelyard.predict.memory import CONTEXT_GIB, is_cpu
from reelyard.predict.plans import first_that_fits, forecasts
from reelyard.predict.remedy import remedies
from reelyard.predict.request import Request
from reelyard.predict.shape import GIB, Shape, legal


def predict(request: Request, catalog: Catalog, lessons: Lessons = NOTHING) -> Answer:
    """The answer to one question."""
    model = find_model(request.model, catalog)
    device = find_device(request.device, catalog.devices)
    if model is None or device is None:
        return _unknown(request, model, device)
    shape, notes = legal(model, asked_shape(request, model))
    host = Host(request.ram_gib, request.read_gb_s)
    ways = forecasts(
        model, catalog, shape, device, request.wish, host, lessons, request.power_cap_w
    )
    room = request.memory_gib or device.usable_gib.value
    found = first_that_fits(ways, room, host) or _tight(ways, request, device, host)
    if found is None:
        return _infeasible(request, model, device, shape, ways, catalog, notes)
    return _feasible(request, model, device, shape, found, room, notes)


def find_model(asked: str, catalog: Catalog) -> VideoModel | None:
    """By id, or by the hub id it comes from."""
    return catalog.models.get(asked) or catalog.models.get(id_of(asked))


def asked_shape(request: Request, model: VideoModel) -> Shape:
    """What is asked, with the model's own figures for what is left out."""
    return Shape(
        width=request.width or model.width,
        height=request.height or model.height,
        frames=request.frames or default_frames(model),
        steps=request.steps or model.steps,
        guided=request.guided and model.guidance > 1,
        from_image=request.from_image or model.needs_image,
    )


def default_frames(model: VideoModel) -> int:
    """The longest clip of one run."""
    return model.longest_clip


def _unknown(request: Request, model: VideoModel | None, device: DeviceType | None) -> Answer:
    missing = []
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
    ways: list[Forecast], request: Request, device: DeviceType, host: Host
) -> Forecast | None:
    """A plan that somebody insists on is possible when the peak itself fits the whole memory."""
    if request.offload is None or request.memory_gib is not None:
        return None
    memory = device.memory_gb.value * 1e9 / GIB
    context = 0.0 if is_cpu(device) else CONTEXT_GIB
    ram = host.ram_gib or float("inf")
    return next(
        (w for w in ways if w.peak_gib + context <= memory and w.footprint.host_gib <= ram), None
    )


def _feasible(
    request: Request,
    model: VideoModel,
    device: DeviceType,
    shape: Shape,
    way: Forecast,
    room: float,
    notes: tuple[str, ...],
) -> Answer:
    said = [f"{way.plan.sentence()}: at most {way.bound_gib:.1f} of {room:.1f} GiB"]
    if way.bound_gib > room:
        said = [
            f"{way.plan.sentence()}: tight, the peak of {way.peak_gib:.1f} GiB fits "
            f"{room:.1f} GiB but the bound of {way.bound_gib:.1f} does not"
        ]
    answer = _filled(request, model, device, shape, way, [*said, *notes, *way.basis])
    timed = {
        "seconds": _rounded(way.seconds),
        "seconds_range": (_rounded(way.low), _rounded(way.high)) if way.low else None,
        "load_seconds": 0.0 if request.resident else _rounded(way.load_seconds),
        "energy_wh": _rounded(way.watt_hours),
    }
    return answer.model_copy(update={"status": Status.OK, **timed})


def _filled(
    request: Request,
    model: VideoModel,
    device: DeviceType,
    shape: Shape,
    way: Forecast,
    because: list[str],
) -> Answer:
    """Memory and plan, without times: an infeasible run has none."""
    return Answer(
        status=Status.INFEASIBLE,
        model=model.id,
        device=device.id,
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
    model: VideoModel,
    device: DeviceType,
    shape: Shape,
    ways: list[Forecast],
    catalog: Catalog,
    notes: tuple[str, ...],
) -> Answer:
    room = request.memory_gib or device.usable_gib.value
    leanest = min(ways, key=lambda way: (way.bound_gib, way.footprint.host_gib))
    said = [
        f"needs {leanest.bound_gib:.1f} GiB even with {leanest.plan.sentence()}, "
        f"{max(0.0, leanest.bound_gib - room):.1f} more than the {room:.1f} GiB of {device.id}"
    ]
    if leanest.bound_gib <= room:
        said = [
            f"{leanest.plan.sentence()} fits the device but needs "
            f"{leanest.footprint.host_gib:.1f} GiB of RAM, the node has {request.ram_gib:.1f}"
        ]
    would_fit = list(remedies(request, model, device, shape, catalog, room))
    if would_fit:
        said.append("it would fit " + ", or ".join(would_fit))
    return _filled(request, model, device, shape, leanest, [*said, *notes])


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
