"""Prometheus metrics that every HTTP service has: requests, problems, rate limits."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1, 2.5, 5, 10)
LABELS = ("method", "route", "status")


class WebMetrics:
    """One registry an application, so that several can live in one process."""

    def __init__(self, service: str, registry: CollectorRegistry) -> None:
        prefix = f"mycovigil_{service}"
        self.registry = registry
        self.requests = Counter(
            f"{prefix}_requests", "Requests by route and status.", LABELS, registry=registry
        )
        self.request_seconds = Histogram(
            f"{prefix}_request_seconds",
            "Requests by route and status: rate, errors, duration.",
            LABELS,
            buckets=SECONDS,
            registry=registry,
        )
        self.problems = Counter(
            f"{prefix}_problems", "Problems answered, by type.", ["slug"], registry=registry
        )
        self.limit_failures = Counter(
            f"{prefix}_limit_failures",
            "Rate limits checked locally because Redis was away.",
            registry=registry,
        )

    def record(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.requests.labels(method, route, status).inc()
        self.request_seconds.labels(method, route, status).observe(seconds)

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
