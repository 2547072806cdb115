"""A worker process on a real broker: what it does with orders, and what cannot hinder it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from reelyard.failure import FailureKind
from reelyard.wire import RUN_TASK, node_queue
from tests.support.running_worker import (
    SECONDS,
    Broker,
    RunningWorker,
    running_broker,
    running_worker,
)
from tests.support.waiting import eventually
from worker.outbox import KeptReports


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with running_broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture(scope="module")
def worker(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningWorker]:
    with running_worker(broker, tmp_path_factory.mktemp("worker")) as worker:
        worker.says("hello")
        yield worker


@pytest.fixture
def own_broker(tmp_path: Path) -> Iterator[Broker]:
    """One that the test may stop."""
    broker = Broker(tmp_path / "broker").prepare()
    yield broker
    broker.stop()


@pytest.fixture
def attempt(request: pytest.FixtureRequest) -> str:
    return str(request.node.name)


def test_it_says_what_it_offers(worker: RunningWorker) -> None:
    hello = worker.says("hello")[0]
    assert hello.worker_id == "w" and hello.cpus >= 1
    assert "cpu" in {device.id for device in hello.devices}
    assert all(device.memory_gib > 0 for device in hello.devices)
    assert worker.says("heartbeat", count=2)[1].boot_id == hello.boot_id
    assert hello.checkpoints == ("reelyard-demo",)


def test_a_task_is_run_and_delivered(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, "load")
    made = worker.made(attempt)
    assert made.result.kind == "voice" and made.measured.run_seconds >= 0
    types = [r.type for r in worker.heard if getattr(r, "attempt_id", "") == attempt]
    assert types[0] == "started" and types[-1] == "finished" and "progress" in types
    key = made.result.audio.sha256
    assert (worker.state / "artifacts" / "sha256" / key[:2] / key).read_bytes() == b"sound"
    holds = [m for d in worker.says("heartbeat")[-1].devices for m in d.resident]
    assert not holds or holds[0].model == "a model"


def test_an_attempt_that_comes_twice_runs_once(worker: RunningWorker, attempt: str) -> None:
    for name in (attempt, attempt, attempt + "-last"):
        worker.run(name)
    worker.made(attempt + "-last")
    assert len(worker.found("started", attempt)) == 1
    worker.made(attempt)


def test_an_attempt_for_an_earlier_boot_is_dropped(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, boot_id="boot-long-ago")
    worker.run(attempt + "-now", boot_id=worker.says("hello")[0].boot_id)
    worker.made(attempt + "-now")
    assert not worker.found("started", attempt)


def test_a_running_attempt_is_named_in_heartbeats_and_stops_when_asked(
    worker: RunningWorker, attempt: str
) -> None:
    engine = worker.engine()
    worker.run(attempt, "wait")
    worker.says("progress", attempt)
    named = lambda: [h for h in worker.found("heartbeat") if attempt in h.attempts]  # noqa: E731
    eventually(named, SECONDS, "it is named")
    worker.cancel(attempt)
    failed = worker.failed(attempt)
    assert failed.failure.kind is FailureKind.CANCELLED and "a test" in failed.failure.sentence
    assert worker.engine() == engine


def test_one_that_makes_room_says_where_it_goes_on(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, "denoise")
    worker.says("progress", attempt)
    worker.preempt(attempt)
    left = worker.says("preempted", attempt)[0]
    worker.acknowledge(left.report_id)
    key = left.checkpoint.artifact.sha256
    assert left.checkpoint.step >= 1 and left.measured.run_seconds > 0
    assert (worker.state / "artifacts" / "sha256" / key[:2] / key).read_bytes() == b"a place"


def test_one_that_does_not_listen_is_killed_and_the_next_one_runs(
    worker: RunningWorker, attempt: str
) -> None:
    engine = worker.engine()
    worker.run(attempt, "deaf")
    worker.says("started", attempt)
    worker.cancel(attempt, grace_seconds=0.3)
    assert worker.failed(attempt).failure.kind is FailureKind.CANCELLED
    worker.run(attempt + "-next")
    worker.made(attempt + "-next")
    assert worker.engine() != engine


def test_a_cancel_that_overtakes_its_task_is_heeded(worker: RunningWorker, attempt: str) -> None:
    worker.cancel(attempt)
    drained = lambda: not worker.broker.redis.llen("reelyard:control.w")  # noqa: E731
    eventually(drained, SECONDS, "the cancel was taken")
    worker.run(attempt + "-before")  # the cancel was handled long before this has run
    worker.made(attempt + "-before")
    worker.run(attempt, "wait")
    worker.run(attempt + "-next")
    worker.made(attempt + "-next")
    assert not worker.found("started", attempt)


def test_kill_nine_of_the_engine_is_told_and_the_next_one_runs(
    worker: RunningWorker, attempt: str
) -> None:
    worker.run(attempt, "wait")
    worker.says("started", attempt)
    os.kill(worker.engine(), signal.SIGKILL)
    failed = worker.failed(attempt)
    assert failed.failure.kind is FailureKind.OUT_OF_MEMORY and failed.failure.sentence
    worker.run(attempt + "-next")
    worker.made(attempt + "-next")


def test_what_a_step_raises_comes_back_with_its_kind(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, "memory")
    worker.run(attempt + "-error", "error")
    assert worker.failed(attempt).failure.kind is FailureKind.OUT_OF_MEMORY
    failure = worker.failed(attempt + "-error").failure
    assert failure.kind is FailureKind.UNKNOWN and "no such luck" in failure.sentence
    assert "Traceback" in failure.detail


def test_a_delivery_is_repeated_until_it_is_acknowledged(
    worker: RunningWorker, attempt: str
) -> None:
    worker.run(attempt)
    worker.says("finished", attempt)
    worker.broker.redis.flushall()  # whoever should have read it has not
    first, second = worker.says("finished", attempt, count=2)[:2]
    assert first == second
    worker.acknowledge(first.report_id)
    kept = KeptReports(worker.outbox_file)
    eventually(lambda: kept.count() == 0, SECONDS, "it is forgotten")
    kept.close()


def test_a_task_that_it_cannot_do_is_given_back(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, device_id="cuda:9")
    failed = worker.failed(attempt)
    assert failed.failure.kind is FailureKind.UNKNOWN and "cuda:9" in failed.failure.sentence
    hologram = {"type": "run_task", "attempt_id": attempt + "-new", "work": {"kind": "hologram"}}
    worker.send(RUN_TASK, node_queue("w"), hologram)
    assert "Update it" in worker.failed(attempt + "-new").failure.sentence


def test_nonsense_is_dropped_and_the_next_one_runs(worker: RunningWorker, attempt: str) -> None:
    for nonsense in (None, "nonsense", {"type": "run_task"}, {"type": "sing"}):
        worker.send(RUN_TASK, node_queue("w"), nonsense)
    worker.send("reelyard.unheard_of", node_queue("w"), None)
    worker.run(attempt)
    worker.made(attempt)


def test_a_small_task_runs_beside_a_large_one(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, "wait")
    worker.says("started", attempt)
    worker.run(attempt + "-queued")
    worker.run(attempt + "-side", "wait", lane="side")
    worker.says("started", attempt + "-side")

    def told() -> bool:
        beat = worker.found("heartbeat")[-1]
        here = {attempt, attempt + "-queued", attempt + "-side"}
        cpu = next(device for device in beat.devices if device.id == "cpu")
        return here <= set(beat.attempts) and (cpu.running, cpu.side_running) == (
            (attempt,),
            (attempt + "-side",),
        )

    eventually(told, SECONDS, "both lanes and what waits are in a heartbeat")
    for name in (attempt + "-side", attempt):
        worker.cancel(name)
        worker.failed(name)
    worker.made(attempt + "-queued")


def test_sigterm_gives_back_what_runs_and_says_goodbye(
    own_broker: Broker, tmp_path: Path, attempt: str
) -> None:
    own_broker.start()
    with running_worker(own_broker, tmp_path / "w", "leaving") as worker:
        worker.says("hello")
        worker.run(attempt, "wait")
        worker.run(attempt + "-waiting")
        worker.says("started", attempt)
        eventually(
            lambda: [h for h in worker.found("heartbeat") if attempt + "-waiting" in h.attempts],
            SECONDS,
            "both are there",
        )
        engine = worker.engine()
        assert worker.stop() == 0
        assert worker.says("failed", attempt)[0].failure.kind is FailureKind.LOST
        assert worker.says("failed", attempt + "-waiting")[0].failure.kind is FailureKind.LOST
        assert worker.says("goodbye")
        assert worker.heard[-1].type == "goodbye"
        eventually(lambda: not Path(f"/proc/{engine}").exists(), SECONDS, "the engine is gone")


def test_what_was_not_acknowledged_is_told_by_the_next_start(
    own_broker: Broker, tmp_path: Path, attempt: str
) -> None:
    own_broker.start()
    with running_worker(own_broker, tmp_path / "w", "again") as worker:
        worker.says("hello")
        worker.run(attempt)
        first = worker.says("finished", attempt)[0]
        worker.end()
        worker.heard.clear()
        worker.start()
        assert worker.says("finished", attempt)[0] == first
        boots = {hello.boot_id for hello in worker.says("hello")}
        assert first.boot_id not in boots
        assert worker.stop() == 0


def test_a_broker_that_is_away_at_the_start_is_waited_for(
    own_broker: Broker, tmp_path: Path, attempt: str
) -> None:
    with running_worker(own_broker, tmp_path / "w", "early") as worker:
        tried = lambda: "onnect" in worker.log_file.read_text(errors="replace")  # noqa: E731
        eventually(tried, SECONDS, "it has tried to connect")
        own_broker.start()
        worker.says("hello")
        worker.run(attempt)
        worker.made(attempt)
        assert worker.stop() == 0


def test_sigterm_ends_it_while_the_broker_is_away(own_broker: Broker, tmp_path: Path) -> None:
    with running_worker(own_broker, tmp_path / "w", "early") as worker:
        tried = lambda: "onnect" in worker.log_file.read_text(errors="replace")  # noqa: E731
        eventually(tried, SECONDS, "it has tried to connect")
        worker.stop()
        assert "Traceback" not in worker.log_file.read_text(errors="replace")


def test_a_task_outlives_its_broker(own_broker: Broker, tmp_path: Path, attempt: str) -> None:
    own_broker.start()
    with running_worker(own_broker, tmp_path / "w", "w") as worker:
        worker.says("hello")
        worker.run(attempt, f"until {tmp_path / 'now'}")
        worker.says("started", attempt)
        own_broker.stop()
        own_broker.redis.close()
        (tmp_path / "now").touch()
        kept = KeptReports(worker.outbox_file)
        eventually(lambda: kept.count() == 1, SECONDS, "the delivery lies on the disk")
        kept.close()
        own_broker.start()
        worker.made(attempt)
        worker.run(attempt + "-next")
        worker.made(attempt + "-next")
        assert worker.stop() == 0


@pytest.mark.parametrize(
    ("id", "state", "code", "said"),
    [
        ("a/b", "state", 2, "REELYARD_WORKER_ID: is not a name for a worker (got a/b"),
        ("w", "a file", 1, "REELYARD_STATE must be a folder that this user may write to"),
    ],
)
def test_what_a_person_can_mend_is_said_in_words(
    own_broker: Broker, tmp_path: Path, id: str, state: str, code: int, said: str
) -> None:
    (tmp_path / "a file").touch()
    environment = RunningWorker(own_broker, tmp_path / state).environment()
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", "run", "--id", id],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code and said in done.stderr
    assert "Traceback" not in done.stderr


def test_engines_yield_to_the_machines_other_work(worker: RunningWorker, attempt: str) -> None:
    worker.run(attempt, "wait")
    worker.says("started", attempt)
    engine = worker.engine()
    agent = psutil.Process(engine).parent()
    assert agent is not None
    assert os.getpriority(os.PRIO_PROCESS, engine) == min(19, agent.nice() + 10)


def test_an_engine_does_not_outlive_a_worker_that_is_killed(
    own_broker: Broker, tmp_path: Path, attempt: str
) -> None:
    own_broker.start()
    with running_worker(own_broker, tmp_path / "w", "killed") as worker:
        worker.says("hello")
        worker.run(attempt, "deaf")
        worker.says("started", attempt)
        engine = worker.engine()
        worker.end()
        eventually(lambda: not Path(f"/proc/{engine}").exists(), SECONDS, "the engine is gone")
