"""What lives as long as the application; built by the lifespan and reached by the request."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from mycovigil.settings import Settings
from mycovigil.storage import Storage
from mycovigil_drift.metrics import Metrics
from mycovigil_drift.relay import Relay
from mycovigil_drift.resources.comparisons.two_sample_test import TwoSampleTests
from mycovigil_drift.session import Database


@dataclass(frozen=True, slots=True)
class State:
    settings: Settings
    database: Database
    storage: Storage
    metrics: Metrics
    relay: Relay
    two_sample_tests: TwoSampleTests


def state_of(request: Request) -> State:
    """The application's state, typed."""
    state: State = request.state.drift
    return state


AppState = Annotated[State, Depends(state_of)]
