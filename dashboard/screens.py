"""What is on a page and changes: each screen is a few named fragments, rendered the same way for
the page itself, for the live stream and for polling.

A screen asks the farm once and renders; it never remembers anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import render_template

from dashboard.farm import Farm
from dashboard.present import bars, farm_wide, job, lessons, models, turns
from dashboard.rules_screen import rules_context
from reelyard.clock import Clock
from reelyard.errors import NotFound
from reelyard.resources import EventView, JobView, TaskView
from reelyard.states import TaskState

JOBS_PER_PAGE = 25
_CHART_MINUTES = 180
_QUEUE_ROWS = 12
_AT_WORK, _RECENT = 5, 6
_QUEUED_JOBS = 100
_EVERY_DEVICE_SECONDS = 60.0
_ATTEMPT = re.compile(r"\.a\d+$")


@dataclass(frozen=True, slots=True)
class Screen:
    """Which page, of what. `args` are name-value pairs, sorted, so that equal screens are equal."""

    kind: str
    args: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, kind: str, args: Mapping[str, str]) -> Screen:
        """A screen of the kinds below. Raises NotFound for any other."""
        if kind not in _KINDS:
            raise NotFound(f"there is no screen {kind!r}.", "Start from the overview.")
        known = _KINDS[kind].args
        return cls(kind, tuple(sorted((k, v) for k, v in args.items() if k in known and v)))

    def arg(self, name: str) -> str:
        """An argument, or an empty text."""
        return dict(self.args).get(name, "")

    @property
    def query(self) -> str:
        """The arguments as they stand in an address."""
        return urlencode(self.args)

    @property
    def refresh_seconds(self) -> float:
        """How often to look again though no event came: memory and last-seen times tell of none."""
        if self.arg("devices") == "all":
            # Every model on every device of the catalog takes the farm seconds to work out.
            return _EVERY_DEVICE_SECONDS
        return _KINDS[self.kind].refresh_seconds

    def cares_for(self, event: EventView) -> bool:
        """Might this event have changed what is shown?"""
        if self.kind == "models":
            # Whether a model fits is worked out anew for every device: not for each step of a task.
            return event.type.startswith("worker.")
        if self.kind == "rules":
            return event.type.startswith(("rules.", "worker."))
        if self.kind == "queue":
            return event.type != "task.progress"
        return self.kind != "job" or event.job_id in (None, self.arg("id"))


@dataclass(frozen=True, slots=True)
class _Kind:
    args: tuple[str, ...]
    read: Callable[[Farm, Screen, Clock], dict[str, Any]]
    fragments: Mapping[str, str]
    refresh_seconds: float = 15.0


def context(farm: Farm, screen: Screen, clock: Clock) -> dict[str, Any]:
    """What the templates of a screen need, asked of the farm now."""
    values = _KINDS[screen.kind].read(farm, screen, clock)
    return {"now": clock.now(), "screen": screen, **values}


def fragments(screen: Screen, values: Mapping[str, Any]) -> dict[str, str]:
    """HTML by the id of the element whose content it is. Needs an application context."""
    templates = _KINDS[screen.kind].fragments
    return {target: render_template(name, **values) for target, name in templates.items()}


def _overview(farm: Farm, _screen: Screen, _clock: Clock) -> dict[str, Any]:
    seen = farm.overview(_CHART_MINUTES)
    running = farm.jobs("running", "", "", _AT_WORK).data
    queued = farm.jobs("queued", "", "", _AT_WORK).data
    views = [farm.job(summary.id) for summary in [*running, *queued]]
    return {
        "farm": seen,
        "pulse": farm_wide.pulse(seen),
        "chart": farm_wide.chart(seen),
        "reasons": farm_wide.waiting_reasons(seen),
        "at_work": _tasks_in(views, TaskState.RUNNING, TaskState.ASSIGNED),
        "waiting": _tasks_in(views, TaskState.WAITING)[:_QUEUE_ROWS],
        "recent": farm.jobs("done", "", "", _RECENT).data,
    }


def _tasks_in(views: list[JobView], *states: TaskState) -> list[tuple[JobView, TaskView]]:
    """Tasks in these states, each with its job."""
    return [(view, task) for view in views for task in view.task_list if task.state in states]


def _jobs(farm: Farm, screen: Screen, _clock: Clock) -> dict[str, Any]:
    seen = farm.overview(_CHART_MINUTES)
    state, query, after = screen.arg("state"), screen.arg("q"), screen.arg("after")
    return {
        "farm": seen,
        "pulse": farm_wide.pulse(seen),
        "chips": farm_wide.chips(seen.jobs, state),
        "page": farm.jobs(state, query, after, JOBS_PER_PAGE),
        "state": state,
        "query": query,
        "after": after,
        "bar": bars.task_bar,
    }


def _job(farm: Farm, screen: Screen, _clock: Clock) -> dict[str, Any]:
    view = farm.job(screen.arg("id"))
    return {
        "pulse": farm_wide.pulse(farm.overview(_CHART_MINUTES)),
        "job": view,
        "story": job.told(farm.story(view.id)),
        "rows": job.scene_rows(view),
        "film_tasks": job.film_tasks(view),
        "stages": job.pipeline(view),
        "failures": job.failures(view),
        "shots": job.shots(view),
        "parameters": job.parameters(view),
        "thrown_away": job.thrown_away(view),
        "is_over": job.is_over(view),
        "bar": bars.task_bar,
        "cell_title": job.cell_title,
    }


def _queue(farm: Farm, _screen: Screen, _clock: Clock) -> dict[str, Any]:
    found = farm.queue(_QUEUED_JOBS)
    return {
        "pulse": farm_wide.pulse(farm.overview(_CHART_MINUTES)),
        "line": found.data,
        "more": found.has_more,
        "counts": turns.counts,
        "ahead": turns.ahead,
    }


def _workers(farm: Farm, _screen: Screen, _clock: Clock) -> dict[str, Any]:
    seen = farm.overview(_CHART_MINUTES)
    workers = farm.workers().data
    running = {
        task_of(attempt)
        for worker in workers
        for device in worker.devices
        for attempt in device.running
    }
    return {
        "farm": seen,
        "pulse": farm_wide.pulse(seen),
        "groups": farm_wide.node_groups(workers),
        "tasks": _tasks(farm, sorted(running)),
        "task_of": task_of,
    }


def task_of(attempt_id: str) -> str:
    """`job-7k3m9x2qab.s01.voice.a2` -> `job-7k3m9x2qab.s01.voice`; a task's id stays as it is."""
    return _ATTEMPT.sub("", attempt_id)


def _models(farm: Farm, screen: Screen, _clock: Clock) -> dict[str, Any]:
    query, show, every = screen.arg("q"), screen.arg("show"), screen.arg("devices") == "all"
    known = farm.models().data
    workers = farm.workers().data
    return {
        "pulse": farm_wide.pulse(farm.overview(_CHART_MINUTES)),
        "table": models.fit_table(farm.model_fit(every), query, show),
        "marks": models.MARKS,
        "residents": models.residents(workers),
        "lessons": lessons.lesson_rows(farm.lessons().data, query),
        "voices": models.voices(known, query),
        "query": query,
        "show": show,
        "every": every,
    }


def _rules(farm: Farm, _screen: Screen, clock: Clock) -> dict[str, Any]:
    seen = farm.overview(_CHART_MINUTES)
    return {"pulse": farm_wide.pulse(seen), **rules_context(farm, clock)}


def _new(farm: Farm, _screen: Screen, _clock: Clock) -> dict[str, Any]:
    return {"pulse": farm_wide.pulse(farm.overview(_CHART_MINUTES))}


def _tasks(farm: Farm, ids: list[str]) -> dict[str, TaskView]:
    """Tasks by id; one that has gone meanwhile is left out."""
    found = {}
    for task_id in ids:
        try:
            found[task_id] = farm.task(task_id)
        except NotFound:
            continue
    return found


_KINDS: Mapping[str, _Kind] = {
    "overview": _Kind(
        (),
        _overview,
        {
            "pulse": "fragments/pulse.html",
            "attention": "fragments/attention.html",
            "cards": "fragments/cards.html",
            "throughput-data": "fragments/throughput.html",
            "queue": "fragments/queue.html",
            "at-work": "fragments/at_work.html",
            "recent": "fragments/recent.html",
        },
    ),
    "jobs": _Kind(
        ("state", "q", "after"),
        _jobs,
        {
            "pulse": "fragments/pulse.html",
            "chips": "fragments/chips.html",
            "job-list": "fragments/job_list.html",
        },
    ),
    "job": _Kind(
        ("id",),
        _job,
        {
            "pulse": "fragments/pulse.html",
            "job-head": "fragments/job_head.html",
            "job-trouble": "fragments/job_trouble.html",
            "film": "fragments/film.html",
            "pipeline": "fragments/pipeline.html",
            "grid": "fragments/grid.html",
            "shots": "fragments/shots.html",
            "story": "fragments/story.html",
        },
    ),
    "queue": _Kind(
        (),
        _queue,
        {"pulse": "fragments/pulse.html", "queue-list": "fragments/queue_list.html"},
    ),
    "models": _Kind(
        ("q", "show", "devices"),
        _models,
        {
            "pulse": "fragments/pulse.html",
            "fit-choices": "fragments/fit_choices.html",
            "fits": "fragments/fits.html",
            "residents": "fragments/residents.html",
            "lessons": "fragments/lessons.html",
            "voices": "fragments/voices.html",
        },
    ),
    "rules": _Kind((), _rules, {"pulse": "fragments/pulse.html", "rules": "fragments/rules.html"}),
    "rules-text": _Kind((), _new, {"pulse": "fragments/pulse.html"}),
    "new": _Kind((), _new, {"pulse": "fragments/pulse.html"}),
    "workers": _Kind(
        (),
        _workers,
        {
            "pulse": "fragments/pulse.html",
            "worker-summary": "fragments/worker_summary.html",
            "devices": "fragments/devices.html",
        },
        refresh_seconds=3.0,
    ),
}
