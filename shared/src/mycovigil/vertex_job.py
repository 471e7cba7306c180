"""Pages of Google's console about a custom job on Vertex AI."""

import re
from dataclasses import dataclass
from urllib.parse import quote

CONSOLE = "https://console.cloud.google.com"
NAME = re.compile(
    "projects/(?P<project>[^/]+)/locations/(?P<region>[^/]+)/customJobs/(?P<id>[^/]+)"
)


@dataclass(frozen=True, slots=True)
class Links:
    """``number``: of the job; ``job``, ``logs``: addresses of pages about it."""

    number: str
    job: str
    logs: str


def links(name: str | None) -> Links | None:
    """Links of the job with this resource name; none where it is no such name."""
    parts = NAME.fullmatch(name or "")
    if parts is None:
        return None
    number = parts["id"]
    query = quote(f'resource.type="ml_job" resource.labels.job_id="{number}"', safe="")
    return Links(
        number,
        f"{CONSOLE}/vertex-ai/locations/{parts['region']}/training/{number}"
        f"?project={parts['project']}",
        f"{CONSOLE}/logs/query;query={query}?project={parts['project']}",
    )
