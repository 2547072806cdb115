"""What a played farm predicts and has learned: which model fits where, lessons, a quote."""

from __future__ import annotations

from reelyard.plan import Offload, Plan, Precision
from reelyard.predict.answer import PlanView, Status, plan_view
from reelyard.predict.views import (
    FitCell,
    FitDevice,
    FitMatrix,
    FitRow,
    LessonList,
    LessonView,
    Quote,
    QuotedDevice,
    QuotedScene,
)

H100, RTX, ORIN, CPU = "h100-sxm", "rtx-4090", "jetson-agx-orin-64gb", "cpu"
_DEVICES = (
    FitDevice(id=RTX, name="NVIDIA GeForce RTX 4090", memory_gib=23.3, count=2),
    FitDevice(id=H100, name="NVIDIA H100 SXM", memory_gib=77.6, count=1),
    FitDevice(id=ORIN, name="Jetson AGX Orin 64GB", memory_gib=57.0, count=1),
)
_ELSEWHERE = (
    FitDevice(id="b200", name="NVIDIA B200", memory_gib=174.6),
    FitDevice(id="l40s", name="NVIDIA L40S", memory_gib=46.6),
    FitDevice(id=CPU, name="CPU", memory_gib=24.0),
)
_LAW = "memory: measured laws of the real-size networks; time: roofline of the device"


def fits(
    device: str, plan: str, bound: float, seconds: float | None, is_measured: bool = False
) -> FitCell:
    because = f"{plan}: at most {bound:.1f} GiB; {_LAW}"
    return FitCell(
        device=device,
        status=Status.OK,
        plan=plan,
        bound_gib=bound,
        seconds=seconds,
        is_measured=is_measured,
        because=because,
    )


def too_large(device: str, bound: float, has: float) -> FitCell:
    because = f"needs {bound:.1f} GiB even with fp8, group offload, tiled decode, has {has:.1f}"
    return FitCell(device=device, status=Status.INFEASIBLE, bound_gib=bound, because=because)


def not_known(device: str) -> FitCell:
    because = "its denoiser was never measured: see `reelyard models add`"
    return FitCell(device=device, status=Status.UNKNOWN, because=because)


def fit_matrix(every_device: bool, has_workers: bool = True) -> FitMatrix:
    """Four models; on every kind of device when asked, else on those of the farm."""
    devices = [*(_DEVICES if has_workers else ()), *(_ELSEWHERE if every_device else ())]
    kept = {device.id for device in devices}
    rows = [
        row.model_copy(update={"cells": [cell for cell in row.cells if cell.device in kept]})
        for row in _ROWS
    ]
    return FitMatrix(devices=devices, data=rows)


def large_matrix(models: int, devices: int) -> FitMatrix:
    """As many as nobody wants to scroll through."""
    columns = [
        FitDevice(id=f"gpu-{n}", name=f"GPU {n} 48GB Ti", memory_gib=48 + n, count=n % 3)
        for n in range(devices)
    ]
    said = ("bf16", "fp8, group offload, tiled decode")
    return FitMatrix(
        devices=columns,
        data=[
            FitRow(
                model=f"model-{m}",
                name=f"Some Video Model {m}B",
                shape="1280x720, 121 frames, 50 steps",
                weights_gib=1.5 * m,
                cells=[
                    fits(column.id, said[(m + n) % 2], 20 + m / 4, 60.0 * (n + m + 1))
                    if m / 4 + 20 <= column.memory_gib - 12 + n
                    else too_large(column.id, 20 + m, column.memory_gib)
                    for n, column in enumerate(columns)
                ],
            )
            for m in range(models)
        ],
    )


_ROWS = (
    FitRow(
        model="wan2.1-t2v-14b",
        name="Wan 2.1 T2V 14B",
        shape="832x480, 81 frames, 50 steps",
        weights_gib=37.4,
        resident_on=["atlas:cuda0"],
        cells=[
            fits(RTX, "bf16, group offload", 9.3, 1481),
            fits(H100, "bf16", 49.6, 441.6, is_measured=True),
            fits(ORIN, "bf16", 49.6, 8733),
            fits("b200", "bf16", 49.6, 150.5),
            fits("l40s", "bf16, group offload", 9.3, 1104),
            too_large(CPU, 89.4, 24.0),
        ],
    ),
    FitRow(
        model="wan2.1-t2v-1.3b",
        name="Wan 2.1 T2V 1.3B",
        shape="832x480, 81 frames, 50 steps",
        weights_gib=13.5,
        resident_on=["atlas:cuda0", "atlas:cuda1"],
        cells=[
            fits(RTX, "bf16, model offload", 17.9, 254.2, is_measured=True),
            fits(H100, "bf16", 23.7, 91.0, is_measured=True),
            fits(ORIN, "bf16", 23.7, 1645.5),
            fits("b200", "bf16", 23.7, 30.7),
            fits("l40s", "bf16", 23.7, 215.8),
            too_large(CPU, 33.3, 24.0),
        ],
    ),
    FitRow(
        model="hunyuanvideo",
        name="HunyuanVideo",
        shape="1280x720, 129 frames, 50 steps",
        weights_gib=39.1,
        cells=[
            too_large(RTX, 31.2, 23.3),
            too_large(H100, 81.4, 77.6),
            too_large(ORIN, 61.0, 57.0),
            fits("b200", "bf16", 98.2, 611.0),
            too_large("l40s", 51.9, 46.6),
            too_large(CPU, 140.1, 24.0),
        ],
    ),
    FitRow(
        model="our-own",
        name="Our own",
        shape="512x288, 49 frames, 30 steps",
        weights_gib=4.2,
        cells=[not_known(device.id) for device in (*_DEVICES, *_ELSEWHERE)],
    ),
)


def lesson_list() -> LessonList:
    return LessonList(
        data=[
            lesson("wan2.1-t2v-1.3b", "bf16", H100, runs=41, memory=0.94, most=1.02, seconds=1.12),
            lesson("wan2.1-t2v-14b", "bf16", H100, runs=7, memory=0.99, most=1.0, seconds=0.82),
            lesson(
                "wan2.1-t2v-1.3b",
                "bf16, model offload",
                RTX,
                runs=3,
                memory=1.31,
                most=1.44,
                seconds=2.4,
                failures=2,
                loads=0,
            ),
        ]
    )


def lesson(
    model: str,
    plan: str,
    device: str,
    runs: int = 1,
    memory: float = 1.0,
    most: float = 1.0,
    seconds: float = 1.0,
    failures: int = 0,
    loads: int = 2,
) -> LessonView:
    return LessonView(
        model=model,
        plan=plan,
        device=device,
        runs=runs,
        timed=runs,
        memory=memory,
        most_memory=most,
        seconds=seconds,
        spread=1.08,
        load=1.05,
        loads=loads,
        failures=failures,
    )


def quote(frames: tuple[int, ...]) -> Quote:
    """A film of scenes of so many frames, on the H100."""
    total = sum(frames)
    longest = max(range(len(frames)), key=lambda place: frames[place])
    scenes = [
        QuotedScene(
            scene=place,
            model="wan2.1-t2v-1.3b",
            frames=count,
            shots=-(-count // 81),
            device=H100,
            plan=_bf16(),
            bound_gib=23.7,
            seconds=count * 1.2,
            energy_wh=count * 0.2,
            share=count / total,
        )
        for place, count in enumerate(frames)
    ]
    return Quote(
        is_possible=True,
        because="every scene fits h100-sxm; 2 kinds of device can take all of them",
        done_in_seconds=total * 1.2 + 40,
        done_in_range=(total + 40.0, total * 1.6 + 40),
        device_seconds=total * 1.2,
        load_seconds=21.0,
        needs_gib=23.7,
        energy_wh=total * 0.2,
        money=total * 0.2 * 0.3 / 1000,
        rent=total * 1.2 / 3600 * 2.5,
        currency="EUR",
        dearest_scene=longest,
        scenes=scenes,
        devices=[
            QuotedDevice(device=CPU, count=1, can=False, because="needs 33.3 GiB, has 24.0"),
            QuotedDevice(device=H100, count=1, can=True, because="bf16: at most 23.7 of 77.6 GiB"),
            QuotedDevice(
                device=RTX, count=2, can=True, because="bf16, model offload: at most 17.9 of 23.3"
            ),
        ],
        assumptions=[
            "Free scenes last as long as their words at 2.5 a second.",
            "Nothing else is submitted meanwhile.",
        ],
    )


def impossible_quote() -> Quote:
    """Nobody can: with the numbers, and what would make it fit."""
    said = "needs 31.2 GiB on one device, the largest has 23.3; it would fit with 49 frames"
    return Quote(
        is_possible=False,
        because=said,
        needs_gib=31.2,
        devices=[QuotedDevice(device=RTX, count=2, can=False, because="needs 31.2, has 23.3 GiB")],
    )


def _bf16() -> PlanView:
    return plan_view(Plan(precision=Precision.BF16, offload=Offload.NONE))
