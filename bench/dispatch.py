"""How fast is the living farm: submit, schedule, dispatch, run, report, done in the database?

    python -m bench.dispatch [--tasks 4000] [--devices 16] [--database sqlite postgres]
                             [--keep FILE] [--profile FILE]

Starts Valkey, API, loop and a worker with real engine processes, pretended devices and steps that
do nothing; on SQLite, then on PostgreSQL. Against raw Celery no-ops over the same broker. Prints
the figures and whether each floor holds; the exit code is 1 if one does not.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from bench.durable import first_line
from bench.durable.farm import Farm, loop_parts, running_farm, running_valkey
from bench.durable.figures import (
    LATENCY_PARTS,
    Accepted,
    Figures,
    Latency,
    Throughput,
    floors,
    machine,
    report,
)
from bench.durable.raw import Raw, best_of, measure_raw
from reelyard.embedded.process import Process
from tests.support.postgres import running_postgres

_SCENES_PER_JOB = 100
_LONGEST_SECONDS = 900.0
_UNFINISHED = "state IN ('waiting', 'assigned', 'running')"
_PINNED = '[[pins]]\nmodel = "reelyard-demo"\nnodes = ["*"]\n'


def storyboard(scenes: int) -> str:
    """A voice and a shot per scene, of fixed length: both may run at once; then the film."""
    scene = {"picture": "a red circle moving left", "say": "Hello there.", "seconds": 2}
    return json.dumps({"title": "Nothing", "scenes": [scene] * scenes})


def submit(farm: Farm, sources: list[str]) -> list[str]:
    """The jobs' ids."""
    with farm.http() as http:
        return [_posted(http.post("/jobs", content=source)) for source in sources]


def _posted(answer: object) -> str:
    assert answer.status_code == 202, answer.text  # type: ignore[attr-defined]
    return str(answer.json()["job"]["id"])  # type: ignore[attr-defined]


def all_done(farm: Farm) -> bool:
    """Nothing waits or runs."""
    return farm.count(_UNFINISHED) == 0


def warm_up(farm: Farm, devices: int) -> None:
    """Every engine has run something and every device holds the model: a load is no part of a
    no-op, and where few devices hold it the rest is right not to load it for tasks so short."""
    submit(farm, [storyboard(2 * devices)])
    farm.wait(lambda: all_done(farm), _LONGEST_SECONDS)
    with farm.http() as http:
        toml = {"Content-Type": "application/toml"}
        http.put("/rules", content=_PINNED, headers=toml).raise_for_status()
    farm.wait(lambda: _holding(farm) == devices, _LONGEST_SECONDS)


def _holding(farm: Farm) -> int:
    """How many devices hold the pinned model."""
    rows = farm.rows("SELECT resident FROM devices")
    return sum("reelyard-demo" in str(resident) for (resident,) in rows)


def measure_throughput(farm: Farm, tasks: int) -> Throughput:
    """Jobs are submitted one after the other while others run already."""
    jobs = max(1, round(tasks / (2 * _SCENES_PER_JOB)))
    before, used = farm.count("state = 'done'"), farm.cpu_seconds()
    began = time.perf_counter()
    submit(farm, [storyboard(_SCENES_PER_JOB)] * jobs)
    submitted = time.perf_counter()
    farm.wait(lambda: all_done(farm), _LONGEST_SECONDS)
    ended = time.perf_counter()
    spent = {name: now - used[name] for name, now in farm.cpu_seconds().items()}
    done = farm.count("state = 'done'") - before
    assert done == jobs * (2 * _SCENES_PER_JOB + 1), "not every task is done"
    return Throughput(done, ended - began, submitted - began, spent, {})


def measure_latency(farm: Farm, jobs: int) -> Latency:
    """One small job at a time; the farm is idle before each, for a moment of random length."""
    dice, sent, source = random.Random(7), {}, storyboard(1)
    with farm.http() as http:
        http.get("/health")
        for _ in range(jobs):
            time.sleep(dice.uniform(0.05, 1.2))
            now = time.time()
            job_id = _posted(http.post("/jobs", content=source))
            sent[job_id] = now
            farm.wait(lambda: all_done(farm), _LONGEST_SECONDS, every=0.02)
    return _latency(farm, sent)


def _latency(farm: Farm, sent: dict[str, float]) -> Latency:
    """`sent`: when each job was, by the clock of this machine, which is that of all its parts."""
    lines, total, parts = first_line.noted(farm.state), [], []
    rows = farm.rows(
        "SELECT a.job_id, min(j.created_at), min(a.created_at), min(o.sent_at) FROM attempts a "
        "JOIN jobs j ON j.id = a.job_id JOIN outbox o ON o.attempt_id = a.id GROUP BY a.job_id"
    )
    for job, created, placed, posted in rows:
        if job in sent:
            first = min(at for name, at in lines.items() if name.startswith(job))
            moments = (sent[job], created, placed, posted, first)
            parts.append([(b - a) * 1000 for a, b in itertools.pairwise(moments)])
            total.append((first - sent[job]) * 1000)
    medians = [sorted(found)[len(found) // 2] for found in zip(*parts, strict=True)]
    return Latency(total, dict(zip(LATENCY_PARTS, medians, strict=True)))


def measure_acceptance(farm: Farm, tasks: int) -> Accepted:
    """The POST of one job; it is called off afterwards."""
    source = storyboard(tasks // 2)
    with farm.http() as http:
        began = time.perf_counter()
        job_id = _posted(http.post("/jobs", content=source))
        seconds = time.perf_counter() - began
        http.post(f"/jobs/{job_id}/cancel").raise_for_status()
    made = farm.count(f"job_id = '{job_id}'")
    return Accepted(made, len(source), seconds)


def measure(
    database: str, folder: Path, broker: tuple[str, Process], asked: argparse.Namespace
) -> Figures:
    """One farm, from start to end."""
    profile = ["--profile"] if asked.profile else []
    with _database(database, folder) as url:
        with running_farm(folder, broker, url, asked.devices, *profile) as farm:
            warm_up(farm, asked.devices)
            latency = measure_latency(farm, asked.latency_jobs)
            run = measure_throughput(farm, asked.tasks)
            accepted = measure_acceptance(farm, asked.large)
        parts = loop_parts(folder)
    if asked.profile:
        (folder / "loop.profile").replace(asked.profile)
    run = Throughput(run.tasks, run.seconds, run.submit_seconds, run.cpu_seconds, parts)
    return Figures(database, asked.devices, run, latency, accepted)


@contextlib.contextmanager
def _database(name: str, folder: Path) -> Iterator[str]:
    """PostgreSQL with its own settings: each commit is on the disk, as on SQLite."""
    if name == "sqlite":
        folder.mkdir(parents=True, exist_ok=True)
        yield f"sqlite:///{folder / 'farm.db'}"
    else:
        with running_postgres(folder, options=()) as url:
            yield url


def _raw(broker: tuple[str, Process], folder: Path, asked: argparse.Namespace) -> Raw:
    """Before and after each farm: the best counts."""
    raw = measure_raw(broker[0], folder, asked.raw_tasks)
    print(
        f"raw Celery: {raw.together:.0f} tasks/s sent and drained at once, "
        f"{raw.drained:.0f}/s only drained; {raw.cpu_ms:.2f} ms CPU per task",
        flush=True,
    )
    return raw


def as_json(raw: Raw, found: list[Figures]) -> dict[str, object]:
    """Everything, as plain values."""
    held = [
        asdict(floor) | {"holds": floor.holds} for f in found for floor in floors(f, raw.together)
    ]
    return {
        "machine": machine(),
        "raw_celery": asdict(raw),
        "figures": [asdict(f) for f in found],
        "floors": held,
    }


def main() -> int:
    """0 if every floor holds, else 1."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", type=int, default=4000)
    parser.add_argument("--large", type=int, default=10_000, help="tasks of the job to accept")
    parser.add_argument("--devices", type=int, default=16)
    parser.add_argument("--latency-jobs", type=int, default=100)
    parser.add_argument("--raw-tasks", type=int, default=4000)
    parser.add_argument(
        "--database", nargs="+", choices=["sqlite", "postgres"], default=["sqlite", "postgres"]
    )
    parser.add_argument("--keep", type=Path, help="write the figures there, as JSON")
    parser.add_argument("--profile", type=Path, help="write cProfile's of the loop there")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print(machine(), flush=True)
        with running_valkey(folder / "broker") as broker:
            raw, found = _raw(broker, folder, asked), []
            for database in asked.database:
                found.append(measure(database, folder / database, broker, asked))
                raw = best_of(raw, _raw(broker, folder, asked))
                print(report(found[-1], raw.cpu_ms), flush=True)
    held = [floor for figures in found for floor in floors(figures, raw.together)]
    print("\n".join(floor.sentence() for floor in held))
    if asked.keep:
        asked.keep.write_text(json.dumps(as_json(raw, found), indent=2) + "\n")
    return 0 if all(floor.holds for floor in held) else 1


if __name__ == "__main__":
    sys.exit(main())
