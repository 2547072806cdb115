"""Coordinator and worker meet in messages: each survives the journey, and an older side reads what
a newer one says."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from reelyard import messages as m
from reelyard.artifact import Artifact
from reelyard.failure import Failure, FailureKind
from reelyard.plan import Offload, Plan, Precision
from reelyard.task import (
    Checkpoint,
    Clip,
    ComposeWork,
    FilmResult,
    FilmScene,
    VideoResult,
    VideoWork,
    VoiceResult,
    VoiceWork,
    Word,
)
from reelyard.wire import celery_settings, control_queue, node_queue

FILE = Artifact(name="a.mp4", media_type="video/mp4", size_bytes=3, sha256="0f" * 32)
VOICE = VoiceResult(
    audio=FILE,
    sample_rate=24000,
    samples=48000,
    natural_seconds=2.0,
    words=(Word(text="Schön", start=0.0, end=0.5),),
    notes=("a note",),
)
SHOT = VideoResult(clip=FILE, last_frame=FILE, thumbnail=FILE, frames=49)
FILM = FilmResult(
    film=FILE,
    poster=FILE,
    sheet=FILE,
    subtitles=None,
    frames=49,
    seconds=4.0,
    lufs=None,
    true_peak_db=-1.2,
)
WORKS = [
    VoiceWork(text="Straße 東京 \N{CLAPPER BOARD}", voice="heart", fps=12, frames=48),
    VideoWork(
        model="m",
        prompt="p",
        width=64,
        height=64,
        fps=12,
        frames=49,
        steps=2,
        guidance=1.5,
        seed=2**63 + 7,
        start_image=FILE,
    ),
    ComposeWork(
        title="t",
        width=64,
        height=64,
        fps=12,
        scenes=(
            FilmScene(
                frames=49,
                clips=(Clip(artifact=FILE, frames=49, skip_frames=1),),
                voice=VOICE,
                crossfade_frames=6,
            ),
        ),
    ),
]
HEAD: dict[str, Any] = {"report_id": "r", "worker_id": "w", "boot_id": "b", "at": 1.5}
DEVICE = m.DeviceReport(
    id="cuda:0",
    kind="cuda",
    name="RTX",
    type="rtx-4090",
    power_limit_w=300.0,
    memory_gib=24.0,
    free_gib=20.0,
    temperature_c=40.0,
    resident=(m.Resident(model="m", gib=2.5),),
    running=("a.a1",),
    side_running=("b.a1",),
    loading="n",
)
CHECKPOINT = Checkpoint(artifact=FILE, step=3, steps=9)
FAILURE = Failure(kind=FailureKind.OUT_OF_MEMORY, sentence="No room.", detail="x")
MEASURED = m.Measured(load_seconds=1.0, run_seconds=2.0, peak_gib=3.0, warm=False, plan=Plan())
REPORTS = [
    m.Hello(
        **HEAD,
        node="n",
        version="1",
        cpus=2,
        ram_gib=8.0,
        ram_free_gib=6.5,
        read_gb_s=1.25,
        devices=(DEVICE,),
        models=("m",),
        voices=(),
        checkpoints=("m",),
    ),
    m.Heartbeat(**HEAD, devices=(DEVICE,), attempts=("a.a1",)),
    m.Started(**HEAD, attempt_id="a"),
    m.Progress(**HEAD, attempt_id="a", phase="denoise", step=1, steps=9),
    m.Finished(**HEAD, attempt_id="a", result=VOICE, measured=MEASURED),
    m.Finished(**HEAD, attempt_id="a", result=SHOT, measured=MEASURED),
    m.Finished(**HEAD, attempt_id="a", result=FILM, measured=MEASURED),
    m.Failed(**HEAD, attempt_id="a", failure=FAILURE),
    m.Preempted(**HEAD, attempt_id="a", checkpoint=CHECKPOINT, measured=MEASURED),
    m.Goodbye(**HEAD),
]
PLAN = Plan(precision=Precision.BF16, offload=Offload.MODEL, vae_tiling=True)
ORDERS = [
    *(
        m.RunTask(
            attempt_id="a.a1",
            task_id="a",
            job_id="j",
            device_id="cpu",
            work=work,
            plan=PLAN,
            predicted_gib=1.25,
            boot_id="b",
            timeout_seconds=9.0,
            lane="side",
            checkpoint=CHECKPOINT,
        )
        for work in WORKS
    ),
    m.CancelAttempt(attempt_id="a", because="no"),
    m.Preempt(attempt_id="a", because="an interactive job waits"),
    m.Preload(device_id="cuda:0", model="m", plan=PLAN, predicted_gib=2.5),
    m.Unload(device_id="cuda:0", model="m"),
    m.Fetch(model="m"),
    m.Acknowledge(report_ids=("r1", "r2")),
    m.Introduce(),
]


def travelled(message: Any) -> Any:
    """As it arrives: through JSON."""
    return json.loads(json.dumps(message.model_dump(mode="json")))


def with_news(data: Any) -> Any:
    """As a newer version would say it: with a field more at every level."""
    if isinstance(data, dict):
        return {**{key: with_news(value) for key, value in data.items()}, "news": {"of": "1.1"}}
    return [with_news(item) for item in data] if isinstance(data, list) else data


def name(message: Any) -> str:
    return f"{message.type}-{getattr(getattr(message, 'work', None), 'kind', '')}".rstrip("-")


@pytest.mark.parametrize("report", REPORTS, ids=name)
def test_a_report_arrives_as_it_was_sent(report: Any) -> None:
    assert m.read_report(travelled(report)) == report
    assert m.read_report(with_news(travelled(report))) == report


@pytest.mark.parametrize("order", ORDERS, ids=name)
def test_an_order_arrives_as_it_was_sent(order: Any) -> None:
    assert m.read_order(travelled(order)) == order
    assert m.read_order(with_news(travelled(order))) == order


def is_message(kind: type) -> bool:
    """It says which message it is (a device's `type` says nothing of the kind)."""
    fields = getattr(kind, "model_fields", {})
    return "type" in fields and bool(fields["type"].default)


def test_an_older_worker_s_hello_is_understood() -> None:
    new = {"type", "power_limit_w", "ram_free_gib", "read_gb_s"}
    said = travelled(REPORTS[0])
    old = {key: value for key, value in said.items() if key not in new - {"type"}}
    old["devices"] = [{k: v for k, v in d.items() if k not in new} for d in said["devices"]]
    hello = m.read_report(old)
    assert isinstance(hello, m.Hello)
    assert (hello.read_gb_s, hello.devices[0].type, hello.devices[0].power_limit_w) == (
        None,
        "",
        None,
    )


def test_an_older_coordinator_s_task_runs_in_the_main_lane() -> None:
    said = travelled(ORDERS[0])
    del said["lane"], said["checkpoint"]
    order = m.read_order(said)
    assert isinstance(order, m.RunTask)
    assert (order.lane, order.checkpoint) == ("main", None)


def test_every_message_has_an_example_here() -> None:
    kinds = {type(message) for message in (*REPORTS, *ORDERS)}
    known = {value for value in vars(m).values() if isinstance(value, type) and is_message(value)}
    assert kinds == known


@pytest.mark.parametrize(
    "nonsense",
    [
        None,
        [],
        "hello",
        {},
        {"type": "sing"},
        {"type": "started"},
        {**HEAD, "type": "failed", "attempt_id": "a", "failure": {"kind": "bored"}},
        {"type": "run_task", "work": {"kind": "hologram"}},
    ],
)
def test_nonsense_is_refused_in_one_way(nonsense: object) -> None:
    for read in (m.read_report, m.read_order):
        with pytest.raises(ValidationError):
            read(nonsense)


def test_an_artifact_is_named_by_a_hash_and_nothing_else() -> None:
    for sha256 in ("", "0F" * 32, "../" * 21 + "x", "0" * 63):
        with pytest.raises(ValidationError):
            Artifact(name="a", media_type="b", size_bytes=0, sha256=sha256)


ENDS = (m.Finished, m.Failed, m.Preempted)


def test_what_must_not_get_lost_is_what_ends_an_attempt() -> None:
    ends = {report.type for report in REPORTS if isinstance(report, ENDS)}
    assert ends == m.DURABLE_REPORTS


def test_a_worker_s_tasks_and_its_control_never_share_a_queue() -> None:
    assert len({node_queue("a"), control_queue("a"), node_queue("b"), control_queue("b")}) == 4


def test_celery_carries_and_decides_nothing() -> None:
    settings = celery_settings("redis://host/0")
    assert settings["broker_url"] == "redis://host/0"
    assert settings["result_backend"] is None and settings["task_ignore_result"]
    assert settings["task_acks_late"] is False
    assert settings["accept_content"] == ["json"]
