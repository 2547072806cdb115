"""`reelyard models`: what the farm renders and speaks with, which model fits which device, what
runs have taught, and how a model of one's own is added.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from reelyard.cli.commands import Commands
from reelyard.cli.connection import AsJson, TokenFile, Url, connect
from reelyard.cli.fit import show_fit
from reelyard.cli.models_add import add
from reelyard.cli.speak import say, show_json, show_table
from reelyard.errors import InvalidInput, Problem, Unreachable

if TYPE_CHECKING:
    from reelyard.predict.views import FitMatrix, LessonView
    from reelyard.resources import ModelView

models = typer.Typer(cls=Commands, pretty_exceptions_enable=False)
models.command("add")(add)


@models.callback(invoke_without_command=True)
def list_models(
    ctx: typer.Context,
    fit: Annotated[
        bool, typer.Option("--fit", help="Every model over every kind of device.")
    ] = False,
    every_device: Annotated[
        bool, typer.Option("--all", help="With --fit: every device of the catalog.")
    ] = False,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """List the models and voices, and where each can run; or see what fits, what runs have taught,
    and add a model."""
    if ctx.invoked_subcommand is not None:
        return
    if fit or every_device:
        show_fit(_matrix(url, token_file, every_device), as_json)
        return
    with connect(url, token_file) as client:
        found = client.models()
    if as_json:
        show_json(found)
        return
    heads = ("id", "kind", "can run on", "picture or language", "licence", "about")
    show_table(heads, (_model(model) for model in found.data))


@models.command("learned")
def learned(
    export: Annotated[
        Path | None, typer.Option("--export", metavar="FILE", help="Write the lessons there.")
    ] = None,
    import_from: Annotated[
        Path | None, typer.Option("--import", metavar="FILE", help="Take over another farm's.")
    ] = None,
    url: Url = "",
    token_file: TokenFile = None,
    as_json: AsJson = False,
) -> None:
    """Show what finished runs have taught: measured over predicted, by model, plan and device."""
    from reelyard.predict.exchange import read_lesson_list

    if export and import_from:
        said = "is one thing at a time with --import"
        raise InvalidInput([Problem("--export", said, str(export), remedy="Run it twice.")])
    given = read_lesson_list(import_from).data if import_from else None
    with connect(url, token_file) as client:
        found = client.lessons() if given is None else client.import_lessons(given)
    if export is not None:
        export.write_text(found.model_dump_json(indent=1) + "\n", encoding="utf-8")
        say(f"{_lessons(len(found.data))} written to {export}")
    if given is not None:
        say(f"{_lessons(len(given))} read from {import_from}; the farm has {len(found.data)} now")
    if as_json:
        show_json(found)
    elif export is None and given is None:
        _show_lessons(found.data)


def _matrix(url: str, token_file: Path | None, every_device: bool) -> FitMatrix:
    """The farm's; without one, the catalog's own."""
    try:
        with connect(url, token_file) as client:
            return client.model_fit(all=every_device)
    except Unreachable as nobody:
        say(f"{nobody.message} These are the devices of the catalog.", "yellow")
    from reelyard.catalog import load_catalog
    from reelyard.predict.matrix import catalog_columns, matrix
    from reelyard.settings import read_settings

    catalog = load_catalog(read_settings().catalog_file)
    return matrix(catalog, catalog_columns(catalog))


def _show_lessons(lessons: list[LessonView]) -> None:
    if not lessons:
        say("no run has taught anything yet")
        return
    heads = ("model", "device", "plan", "runs", "memory", "time", "spread", "load", "out of memory")
    show_table(heads, (_lesson(lesson) for lesson in lessons))


def _lesson(one: LessonView) -> tuple[str, ...]:
    return (
        one.model,
        one.device,
        one.plan,
        f"{one.runs}",
        f"x{one.memory:.2f}, at most x{one.most_memory:.2f}" if one.runs else "-",
        f"x{one.seconds:.2f} of {one.timed}" if one.timed else "-",
        f"x{one.spread:.2f}" if one.timed else "-",
        f"x{one.load:.2f} of {one.loads}" if one.loads else "-",
        f"{one.failures}",
    )


def _lessons(count: int) -> str:
    return "1 lesson" if count == 1 else f"{count} lessons"


def _model(model: ModelView) -> tuple[str, ...]:
    picture = f"{model.width}x{model.height}, {model.fps} fps" if model.width else ""
    able = ", ".join(model.available_on) or "no device here"
    return (
        model.id,
        model.kind,
        able,
        picture or model.language or "",
        model.licence,
        model.about or model.name,
    )
