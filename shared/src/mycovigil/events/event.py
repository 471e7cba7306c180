"""CloudEvents 1.0: what happened, as a row in the outbox and as a message on a topic."""

import datetime
import json
import uuid
from enum import StrEnum
from importlib import resources
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field

from mycovigil.db.base import new_id

CONTENT_TYPE = "application/json"


class Topic(StrEnum):
    ALERTS = "alerts"
    MODELS = "models"
    DEAD_LETTER = "dead-letter"


class EventType(StrEnum):
    """Reverse-DNS types; ``mycovigil/events/schemas`` has a JSON Schema of each one's ``data``."""

    ALERT_OPENED = "dev.mycovigil.alert.opened"
    ALERT_ESCALATED = "dev.mycovigil.alert.escalated"
    ALERT_RESOLVED = "dev.mycovigil.alert.resolved"
    ALERT_LABELS_WANTED = "dev.mycovigil.alert.labels_wanted"
    NIGHT_FAILED = "dev.mycovigil.night.failed"
    MODEL_PROMOTED = "dev.mycovigil.model.promoted"
    MODEL_ROLLED_BACK = "dev.mycovigil.model.rolled_back"
    MODEL_REJECTED = "dev.mycovigil.model.rejected"


class Event(BaseModel):
    """A CloudEvent; ``subject`` is the model version and the ordering key."""

    model_config = ConfigDict(frozen=True)
    specversion: str = "1.0"
    id: uuid.UUID = Field(default_factory=new_id)
    type: EventType
    source: str
    subject: str
    time: datetime.datetime = Field(default_factory=lambda: datetime.datetime.now(tz=datetime.UTC))
    traceparent: str | None = None
    data: dict[str, Any]

    def message(self) -> tuple[bytes, dict[str, str]]:
        """Body and attributes in the binary mode of the CloudEvents Pub/Sub binding."""
        context = self.model_dump(mode="json", exclude={"data"}, exclude_none=True)
        attributes = {f"ce-{name}": str(value) for name, value in context.items()}
        body = json.dumps(self.model_dump(mode="json")["data"], separators=(",", ":"))
        return body.encode(), attributes | {"content-type": CONTENT_TYPE}

    @classmethod
    def from_message(cls, body: bytes, attributes: dict[str, str]) -> Self:
        """The event a subscriber received.

        Raises:
            ValueError: not a CloudEvent of ours (pydantic's error is one).
        """
        context = {
            name.removeprefix("ce-"): value
            for name, value in attributes.items()
            if name.startswith("ce-")
        }
        return cls.model_validate({**context, "data": json.loads(body)})


def schema_of(kind: EventType) -> str:
    """The JSON Schema (draft 2020-12) of an event type's ``data``."""
    family = kind.value.split(".")[2]
    return (resources.files("mycovigil.events") / "schemas" / f"{family}.json").read_text()
