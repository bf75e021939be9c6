"""The server's counters in Prometheus format. Label values (routes, methods, statuses) never come from requests."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
METHODS = {"GET", "HEAD", "POST"}


class Measures:
    """The metrics of one server."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            "condgen_requests", "Requests answered.", ["route", "method", "status"], registry=registry
        )
        self.seconds = Histogram(
            "condgen_request_seconds", "Seconds from the headers of a request to its answer.", ["route"],
            registry=registry, buckets=SECONDS,
        )  # fmt: skip
        self.gone = Counter("condgen_gone", "Clients that disconnected before their answer.", registry=registry)
        self.images = Counter("condgen_images", "Images generated.", registry=registry)
        self.batch_seconds = Histogram(
            "condgen_micro_batch_seconds",
            "Seconds per micro-batch.",
            registry=registry,
            buckets=SECONDS,
        )
        self._gauges: list[Gauge] = []

    def watch(self, name: str, about: str, value: Callable[[], float]) -> None:
        """Add a gauge whose value is computed whenever the metrics are read. about: its help text."""
        gauge = Gauge(name, about, registry=self.registry)
        gauge.set_function(value)
        self._gauges.append(gauge)

    def generated(self, images: int, seconds: float) -> None:
        self.images.inc(images)
        self.batch_seconds.observe(seconds)

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        self.requests.labels(route, method if method in METHODS else "other", status).inc()
        self.seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        return generate_latest(self.registry)
