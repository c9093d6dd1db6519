"""What can be counted about a worker. Labels are names of tasks and words for outcomes."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge, Histogram

from api.metrics import process_registry

_BUCKETS = (0.01, 0.1, 0.5, 1, 5, 30, 120, 600)


class WorkerMetrics:
    """The counters of one worker, which begin at 0 with it."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """
        Args:
            registry: of the process, where the worker stands beside the API; else it has its own.
        """
        self.registry = registry or process_registry("worker")
        self._jobs = Histogram(
            "shanglou_job_seconds",
            "Tries of background jobs, by task and by outcome (done, failed: tried again, held: not any more, lost)",
            ["task", "outcome"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self._ready = Gauge(
            "shanglou_worker_ready",
            "1 while the worker has its database, 0 while it waits for it",
            registry=self.registry,
        )

    def watch(self, ready: Callable[[], bool]) -> None:
        self._ready.set_function(lambda: float(ready()))

    def job(self, task: str, outcome: str, seconds: float) -> None:
        self._jobs.labels(task, outcome).observe(seconds)
