"""The reference of the events: types, attributes and the schema of each one's data."""

import json
import re
from typing import Any

from mycovigil.events.event import EventType, schema_of

TOPICS = {"alert": "alerts", "night": "alerts", "model": "models"}


def page() -> str:
    """One page of all event types."""
    families: dict[str, list[EventType]] = {}
    for kind in EventType:
        families.setdefault(kind.value.split(".")[2], []).append(kind)
    parts = [
        "# Events\n\nWritten from the code by `make docs`. Messages are CloudEvents 1.0 in the "
        "binary mode of the Pub/Sub binding: the body is `data` as JSON, the attributes are "
        "`ce-id`, `ce-type`, `ce-source`, `ce-subject` (the model's version, and the ordering "
        "key), `ce-time`, `ce-traceparent` where there is one, and `content-type`. Delivery is "
        "at least once: recognise an event by `ce-id`. `mycovigil` in a topic's name is "
        "`MYCOVIGIL_PUBSUB_TOPIC_PREFIX`. The Protocol Buffers of the same data, for Pub/Sub's own "
        "check, are in `deploy/gcp/schemas`.\n"
    ]
    for family, kinds in families.items():
        schema = json.loads(schema_of(kinds[0]))
        types = "\n".join(f"- `{kind.value}`" for kind in kinds)
        parts.append(
            f"## {schema['title']}\n\nTopic `mycovigil.{TOPICS[family]}`, `data` by "
            f"`{schema['$id']}`:\n\n{types}\n\n{fields(schema)}"
        )
    return "\n".join(parts)


def fields(schema: dict[str, Any]) -> str:
    lines = ["| field | type | |", "|---|---|---|"]
    for name, one in schema["properties"].items():
        needed = "always" if name in schema["required"] else ""
        lines.append(f"| `{name}` | {kind(one)} | {needed} |")
    return "\n".join(lines) + "\n"


def kind(one: dict[str, Any]) -> str:
    if "enum" in one:
        return ", ".join(f"`{value}`" for value in one["enum"])
    types = one["type"] if isinstance(one["type"], list) else [one["type"]]
    said = " or ".join(types) + (f" ({one['format']})" if "format" in one else "")
    return re.sub(r"\|", "or", said)
