"""`reelyard predict`: will it fit, how, how long, at what energy. Needs no farm and no torch."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reelyard.cli.connection import AsJson
from reelyard.cli.exits import ExitCode
from reelyard.cli.speak import out, say, show, show_json, show_table
from reelyard.errors import InvalidInput, Problem

if TYPE_CHECKING:
    from reelyard.catalog import Catalog
    from reelyard.predict.answer import Answer
    from reelyard.predict.lessons import Lessons


def predict(
    model: Annotated[str, typer.Option(help="A model of the catalog, or its hub id.")] = "",
    device: Annotated[str, typer.Option(help="A device of the catalog: rtx-4090, h100-sxm.")] = "",
    gpus: Annotated[int, typer.Option(help="How many devices share the run.")] = 1,
    width: Annotated[int | None, typer.Option(help="Pixels; the model's own if left out.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    frames: Annotated[
        int | None, typer.Option(help="Frames; its longest clip if left out.")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Denoising steps.")] = None,
    precision: Annotated[
        str, typer.Option(help="fp32, bf16, fp16, fp8, int8, bf16-autocast; the best if left out.")
    ] = "",
    offload: Annotated[str, typer.Option(help="none, model, group, sequential.")] = "",
    vae_tiling: Annotated[
        bool | None, typer.Option("--vae-tiling/--no-vae-tiling", help="Decode in tiles.")
    ] = None,
    attention: Annotated[str, typer.Option(help="sdpa, flash3, sage.")] = "",
    compiled: Annotated[bool | None, typer.Option("--compiled/--eager")] = None,
    split: Annotated[str, typer.Option(help="context, tensor, guidance, layers.")] = "",
    sharded: Annotated[bool | None, typer.Option("--sharded/--replicated")] = None,
    from_image: Annotated[bool, typer.Option(help="The clip starts from a picture.")] = False,
    power_cap: Annotated[float | None, typer.Option(help="Watts per device.")] = None,
    ram: Annotated[float | None, typer.Option(help="The node's RAM in GiB.")] = None,
    learned: Annotated[
        Path | None, typer.Option(help="Lessons of a farm: `reelyard models learned --export`.")
    ] = None,
    batch: Annotated[
        str, typer.Option(help="A file of requests, one JSON object a line; - reads the pipe.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Say what a run needs before it runs: memory, time, energy, and why. Needs no farm."""
    from reelyard.catalog import load_catalog
    from reelyard.predict.exchange import read_lessons
    from reelyard.settings import read_settings

    catalog = load_catalog(read_settings().catalog_file)
    lessons = read_lessons(learned)
    if batch:
        raise typer.Exit(_answer_all(_lines(batch), catalog, lessons, as_json))
    asked = {
        "model": model or None,
        "device": device or None,
        "gpus": gpus,
        "width": width,
        "height": height,
        "frames": frames,
        "steps": steps,
        "precision": precision or None,
        "offload": offload or None,
        "vae_tiling": vae_tiling,
        "attention": attention or None,
        "compiled": compiled,
        "split": split or None,
        "sharded": sharded,
        "from_image": from_image,
        "power_cap_w": power_cap,
        "ram_gib": ram,
    }
    answer = _answer(asked, catalog, lessons)
    if as_json:
        show_json(answer)
    else:
        _tell(answer)
    raise typer.Exit(code_of(answer))


def code_of(answer: Answer) -> ExitCode:
    """6 where it cannot run, 3 where model or device is not known."""
    return {
        "ok": ExitCode.OK,
        "infeasible": ExitCode.NOBODY_CAN,
        "unknown": ExitCode.NOT_FOUND,
    }[answer.status.value]


def _answer(asked: dict[str, Any], catalog: Catalog, lessons: Lessons) -> Answer:
    from reelyard.predict.ask import predict as ask
    from reelyard.predict.request import read_request

    request, unheeded = read_request(asked)
    answer = ask(request, catalog, lessons)
    if not unheeded:
        return answer
    said = f"{answer.because}; left out of account: {', '.join(unheeded)}"
    return answer.model_copy(update={"because": said})


def _answer_all(
    lines: Iterator[tuple[int, str]], catalog: Catalog, lessons: Lessons, as_json: bool
) -> ExitCode:
    """One answer a line, in order. A line that cannot be read is answered too: nothing is lost."""
    worst = ExitCode.OK
    for number, line in lines:
        try:
            answer = _answer(_object(line), catalog, lessons)
        except InvalidInput as wrong:
            worst = ExitCode.USAGE
            said = " ".join(problem.sentence() for problem in wrong.problems)
            if as_json:
                show_json({"status": "unknown", "line": number, "because": said})
            else:
                say(f"line {number}: {said}")
            continue
        if as_json:
            _write(answer.model_dump_json())
        else:
            show(f"{number}: {summary(answer)}")
    return worst


def _object(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as wrong:
        raise InvalidInput(
            [Problem("line", f"is not JSON: {wrong}", line[:80], remedy="Write one object a line.")]
        ) from None
    if not isinstance(found, dict):
        raise InvalidInput(
            [Problem("line", "is not an object", line[:80], remedy="Write one object a line.")]
        )
    return found


def _lines(name: str) -> Iterator[tuple[int, str]]:
    """Numbered lines that are not empty."""
    from reelyard.cli.source import read_source

    text = read_source(name).content.decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            yield number, line


def summary(answer: Answer) -> str:
    """An answer in one line."""
    what = f"{answer.model} on {answer.device}"
    if answer.status != "ok" or answer.seconds is None or answer.plan is None:
        return f"{what}: {answer.status.value}: {answer.because}"
    return (
        f"{what}: {answer.plan.sentence}: {answer.peak_vram_gib:.1f} GiB "
        f"(at most {answer.bound_vram_gib:.1f}), {spoken(answer.seconds)}"
    )


def spoken(seconds: float) -> str:
    """`42 s`, `12 min`, `2.1 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


def _tell(answer: Answer) -> None:
    """For people: the headline, the figures, the stages, the reasons."""
    size = f"{answer.width}x{answer.height}, {answer.frames} frames, {answer.steps} steps"
    many = f"{answer.gpus} x " if answer.gpus > 1 else ""
    show(f"{answer.model} on {many}{answer.device}" + (f": {size}" if answer.width else ""))
    if answer.plan is not None:
        show(f"  plan     {answer.plan.sentence}")
    if answer.peak_vram_gib is not None:
        show(
            f"  memory   {answer.peak_vram_gib:.1f} GiB at the peak, at most "
            f"{answer.bound_vram_gib:.1f} GiB per device; weights {answer.weights_gib:.1f} GiB"
        )
    if answer.host_ram_gib:
        show(f"  RAM      {answer.host_ram_gib:.1f} GiB of the node")
    if answer.seconds is not None and answer.seconds_range is not None:
        low, high = answer.seconds_range
        show(f"  time     {spoken(answer.seconds)} ({spoken(low)} to {spoken(high)})")
        show(f"  load     {spoken(answer.load_seconds or 0.0)} when it is not in memory yet")
        show(f"  energy   {answer.energy_wh:.1f} Wh")
    if answer.stages and answer.status == "ok":
        out().print()
        show_table(("stage", "weights", "activations", "time", "bound by"), _stage_rows(answer))
        out().print()
    for said in answer.because.split("; "):
        show(f"  {said}")


def _stage_rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    for stage in answer.stages:
        yield (
            f"  {stage.name}",
            f"{stage.weights_gib:.2f} GiB" if stage.weights_gib is not None else "",
            f"{stage.activations_gib:.2f} GiB" if stage.activations_gib is not None else "",
            spoken(stage.seconds) if stage.seconds is not None else "",
            stage.bound_by,
        )
