"""How messages travel: queue names, Celery task names and the Celery settings both sides use.

The broker is a doorbell: nothing here may be the only copy of anything. The settings are those that
were measured to lose and double the least (early ack, no prefetch, sockets that time out).
"""

from __future__ import annotations

from typing import Final

WIRE_VERSION: Final = 1

REPORTS_QUEUE: Final = "reports"
RUN_TASK: Final = "reelyard.run"
CONTROL_TASK: Final = "reelyard.control"
REPORT_TASK: Final = "reelyard.report"
WAKE_TASK: Final = "reelyard.wake"


def node_queue(worker_id: str) -> str:
    """Where a worker's tasks wait."""
    return f"node.{worker_id}"


def control_queue(worker_id: str) -> str:
    """Where a worker's cancels and acknowledgements wait; never behind a task."""
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
        "worker_send_task_events": False,
    }
