"""Measures the networks of the catalog again, without a GPU and without weights.

    python -m bench.measure_memory [NAME ...] [--write] [--no-tiles]

Builds every component (or those named) at its real size on torch's meta device, counts it, runs it
under a tracker of memory, and fits the laws that the catalog holds. Prints what it found, how far
each law is off on a clip that it was not fitted on, and how far the catalog was from it. `--write`
puts it into reelyard/catalog/components.toml, each component as soon as it is measured.
"""

from __future__ import annotations

import argparse
import sys
import time
import tomllib
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch
from pydantic import BaseModel

from reelyard.catalog import Component, VideoModel
from reelyard.errors import InvalidInput
from worker.engines.measure.build import Network
from worker.engines.measure.component import Measured, measure, uses
from worker.engines.measure.record import counts_and_cards, recorded

FOLDER = Path(__file__).parent.parent / "reelyard" / "catalog"
FILE = FOLDER / "components.toml"

T = TypeVar("T", bound=BaseModel)


def entries(kind: type[T], name: str) -> dict[str, T]:
    """A file of the built-in catalog, whatever state the others are in."""
    tables = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return {id: kind.model_validate({"id": id, **table}) for id, table in tables.items()}


def measured(component: Component, models: Sequence[VideoModel], tiles: bool) -> Measured:
    network = Network(
        component.id,
        component.library,
        component.class_name,
        component.config_class,
        component.config,
    )
    return measure(network, uses(component.id, models), tiles)


def errors(found: Measured) -> Iterator[str]:
    """How far each law is off on a clip that it was not fitted on."""
    if found.denoiser:
        yield f"denoiser {found.denoiser.error:.2%}"
    for way in ("decode", "encode"):
        for precision, card in getattr(found, way).items():
            tiled = f", in tiles {card.tiled_error:.2%}" if card.tile else ""
            yield f"{way} {precision} {card.error:.2%}{tiled}"


def differences(before: Mapping[str, Any], now: Mapping[str, Any], path: str = "") -> Iterator[str]:
    """Every figure that the catalog holds otherwise."""
    for name, value in now.items():
        old = before.get(name)
        if isinstance(value, Mapping):
            yield from differences(old or {}, value, f"{path}{name}.")
        elif _plain(old) != _plain(value):
            yield f"{path}{name}: {old} -> {value}"


def _plain(value: Any) -> Any:
    return [float(one) for one in value] if isinstance(value, list | tuple) else value


def write(id: str, found: Measured) -> None:
    text = FILE.read_text(encoding="utf-8")
    beside = FILE.with_suffix(".new")
    beside.write_text(recorded(text, id, found), encoding="utf-8")
    beside.replace(FILE)


def measure_one(component: Component, models: Sequence[VideoModel], a: argparse.Namespace) -> bool:
    began = time.perf_counter()
    try:
        found = measured(component, models, not a.no_tiles)
    except InvalidInput as wrong:
        print(f"{component.id}: {wrong}", file=sys.stderr, flush=True)
        return False
    before = tomllib.loads(FILE.read_text(encoding="utf-8")).get(component.id, {})
    sizes = ", ".join(f"{name} {value:,}" for name, value in asdict(found.counts).items())
    print(f"{component.id} ({time.perf_counter() - began:.1f} s): {sizes}")
    for line in (*errors(found), *differences(before, counts_and_cards(found))):
        print(f"    {line}", flush=True)
    if a.write:
        write(component.id, found)
    return True


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("names", nargs="*", help="components; default: all")
    p.add_argument("--write", action="store_true", help="into the catalog")
    p.add_argument("--no-tiles", action="store_true", help="leave out tiled decodes (minutes)")
    a = p.parse_args()
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    models, components = entries(VideoModel, "models"), entries(Component, "components")
    if unknown := set(a.names) - set(components):
        p.error(f"no such component: {', '.join(sorted(unknown))}")
    chosen = [components[name] for name in a.names or components]
    torch_only = [one for one in chosen if one.library != "onnx"]
    done = [measure_one(one, list(models.values()), a) for one in torch_only]
    return 0 if all(done) else 1


if __name__ == "__main__":
    sys.exit(main())
