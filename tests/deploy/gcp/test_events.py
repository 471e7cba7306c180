"""Topics, subscriptions and schemas in the cloud are those that the code makes and sends."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from factories.cloud import DEPLOY, Plan, resources
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from mycovigil.events.event import EventType, Topic, schema_of
from mycovigil.events.publisher.pubsub import SUBSCRIPTIONS
from mycovigil.settings import PublisherSettings

PREFIX = PublisherSettings().topic_prefix
# Which topic carries an event type's data.
CARRIES = {
    "alerts": [one for one in EventType if one.value.split(".")[2] in {"alert", "night"}],
    "models": [one for one in EventType if one.value.split(".")[2] == "model"],
}
KINDS = {"string": "opened", "number": 0.5, "integer": 3, "null": None}


def test_topics_and_subscriptions_are_those_of_the_publisher(plan: Plan) -> None:
    topics = {one["name"] for one in resources(plan, "google_pubsub_topic").values()}
    assert topics == {f"{PREFIX}.{topic.value}" for topic in Topic}
    subscriptions = resources(plan, "google_pubsub_subscription").values()
    wanted = {f"{PREFIX}.{topic.value}.{name}" for topic, name in SUBSCRIPTIONS}
    assert {one["name"] for one in subscriptions} == wanted


def test_the_subscription_waits_as_the_settings_say(plan: Plan) -> None:
    settings = PublisherSettings()
    (one,) = (
        one
        for one in resources(plan, "google_pubsub_subscription").values()
        if one["dead_letter_policy"]
    )
    assert one["ack_deadline_seconds"] == settings.ack_deadline
    assert one["retry_policy"][0]["minimum_backoff"] == f"{settings.backoff_min}s"
    assert one["retry_policy"][0]["maximum_backoff"] == f"{settings.backoff_max}s"
    attempts = one["dead_letter_policy"][0]["max_delivery_attempts"]
    assert attempts == settings.max_delivery_attempts
    assert not one["enable_message_ordering"]


def message_class(plan: Plan, topic: str) -> Any:
    """The class of a topic's schema, as protoc compiled it."""
    files = descriptor_pb2.FileDescriptorSet()
    files.ParseFromString(base64.b64decode(plan["schemas"][topic]))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(files.file[0])
    name = files.file[0].message_type[0].name
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def example(schema: dict[str, Any], *, nulls: bool) -> dict[str, Any]:
    """Data of every field that a JSON Schema allows; with nulls wherever it allows them."""
    data = {}
    for name, rule in schema["properties"].items():
        kinds = rule.get("type", "string")
        kinds = kinds if isinstance(kinds, list) else [kinds]
        data[name] = None if nulls and "null" in kinds else KINDS[kinds[0]]
    return data


@pytest.mark.parametrize("topic", CARRIES)
def test_every_event_fits_its_topics_schema(plan: Plan, topic: str) -> None:
    """As Pub/Sub reads it: JSON of proto3, where an unknown field or a wrong type is refused."""
    kind = message_class(plan, topic)
    for event in CARRIES[topic]:
        schema = json.loads(schema_of(event))
        for nulls in (False, True):
            body = json.dumps(example(schema, nulls=nulls))
            assert json_format.Parse(body, kind()).ByteSize()


def test_a_schema_has_no_field_that_no_event_has(plan: Plan) -> None:
    for topic, events in CARRIES.items():
        sent = {name for one in events for name in json.loads(schema_of(one))["properties"]}
        assert {field.name for field in message_class(plan, topic).DESCRIPTOR.fields} == sent


def test_a_field_that_the_schema_lacks_is_refused(plan: Plan) -> None:
    with pytest.raises(json_format.ParseError, match="surprise"):
        json_format.Parse('{"surprise": 1}', message_class(plan, "models")())


def test_every_event_type_is_carried() -> None:
    assert sorted(one for events in CARRIES.values() for one in events) == sorted(EventType)
    assert {file.stem for file in Path(DEPLOY / "gcp" / "schemas").iterdir()} == set(CARRIES)
