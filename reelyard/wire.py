"""How messages travel: queue names, Celery task names and the Celery settings both sides use.

The broker is a doorbell: nothing here may be the only copy of anything. The settings are those that
were measured to lose and double the least (early ack, no prefetch, sockets that time out).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WIRE_VERSION: Final = 1

REPORTS_QUEUE: Final = "reports"
RUN_TASK: Final = "reelyard.run"
CONTROL_TASK: Final = "reelyard.control"
REPORT_TASK: Final = "reelyard.report"
WAKE_TASK: Final = "reelyard.wake"


MOST_IN_A_MESSAGE: Final = 64
MOST_BYTES_IN_A_MESSAGE: Final = 256 << 10
"""How much one Celery message carries; a single order or report may be larger."""


def bundle(payloads: Sequence[dict[str, object]]) -> object:
    """What goes as the one argument of a Celery message: an order or report by itself, or a list of
    several."""
    return payloads[0] if len(payloads) == 1 else list(payloads)


def unbundle(argument: object) -> list[object]:
    """The orders or reports of a Celery message, in their order. What is none is left as it is, for
    whoever reads it to refuse."""
    return list(argument) if isinstance(argument, list) else [argument]


def node_queue(worker_id: str) -> str:
    """Where a worker's tasks wait, and what may wait behind them, such as acknowledgements."""
    return f"node.{worker_id}"


def control_queue(worker_id: str) -> str:
    """Where a worker's cancels wait; never behind a task."""
    return f"control.{worker_id}"


def celery_settings(broker_url: str, key_prefix: str = "reelyard:") -> dict[str, object]:
    """Celery carries, it does not decide: no results, retries, late acks or gossip."""
    return {
        "broker_url": broker_url,
        "result_backend": None,
        "task_ignore_result": True,
        "task_acks_late": False,
        "task_reject_on_worker_lost": False,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_hijack_root_logger": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_transport_options": {
            "visibility_timeout": 86400,
            "global_keyprefix": key_prefix,
            "socket_timeout": 30,
            "socket_connect_timeout": 5,
            "socket_keepalive": True,
            "health_check_interval": 25,
        },
        "task_publish_retry_policy": {
            "max_retries": 1,
            "interval_start": 0,
            "interval_step": 0.2,
            "interval_max": 0.2,
        },
        "task_serializer": "json",
        "accept_content": ["json"],
        "task_repr_maxlevels": 1,  # nobody reads the copy of the arguments in a message's head
        "worker_send_task_events": False,
    }
