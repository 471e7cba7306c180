"""The plan and its workloads, once a session."""

import pytest
from factories.cloud import Plan, Workload, planned, workloads_of


@pytest.fixture(scope="session")
def plan() -> Plan:
    """Terraform's plan; skips aloud where the checkers are not installed."""
    return planned()


@pytest.fixture(scope="session")
def workloads(plan: Plan) -> dict[str, Workload]:
    return workloads_of(plan)
