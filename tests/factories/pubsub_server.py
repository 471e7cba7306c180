"""A Pub/Sub at the gRPC edge that can hang, or refuse what an account may not do."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.iam.v1.iam_policy_pb2 import TestIamPermissionsRequest, TestIamPermissionsResponse
from google.pubsub_v1.types import (
    PublishRequest,
    PublishResponse,
    PullRequest,
    PullResponse,
    Subscription,
    Topic,
    UpdateSubscriptionRequest,
)

from mycovigil_local.port import free_port

IAM = "google.iam.v1.IAMPolicy"
PUBLISHER, SUBSCRIBER = "google.pubsub.v1.Publisher", "google.pubsub.v1.Subscriber"


@dataclass
class PubSubServer:
    """``answers`` is set while the server answers; ``restricted``: it refuses to make or change
    topics and subscriptions; ``published`` holds the number of each message that arrived,
    ``ended`` is set as each call ends."""

    port: int
    restricted: bool = False
    absent: str = "nothing"
    answers: threading.Event = field(default_factory=threading.Event)
    published: list[str] = field(default_factory=list)
    ended: list[threading.Event] = field(default_factory=list)

    def publish(self, request: Any, context: grpc.ServicerContext) -> Any:
        ended = threading.Event()
        if context.add_callback(ended.set):
            self.ended.append(ended)
        self.answers.wait(20)
        if not context.is_active():
            return PublishResponse()
        new = [message.attributes["ce-id"] for message in request.messages]
        self.published += new
        return PublishResponse(message_ids=new)

    def wait_for_the_end_of_calls(self) -> None:
        """Until the server knows that each call so far has ended: the client knows it earlier."""
        assert all(ended.wait(20) for ended in self.ended)

    def make(self, request: Any, context: grpc.ServicerContext) -> Any:
        if self.restricted:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "may only publish and subscribe")
        return request

    def permitted(self, request: Any, context: grpc.ServicerContext) -> Any:
        """All permissions, or none if ``restricted``; what ends in ``absent`` is not there."""
        if request.resource.endswith(self.absent):
            context.abort(grpc.StatusCode.NOT_FOUND, "no such resource")
        return TestIamPermissionsResponse(
            permissions=[] if self.restricted else request.permissions
        )

    def pull(self, _request: Any, _context: grpc.ServicerContext) -> Any:
        return PullResponse()


@contextmanager
def pubsub_server(*, restricted: bool = False) -> Iterator[PubSubServer]:
    """The server on a free port; the caller sets ``PUBSUB_EMULATOR_HOST``."""
    state = PubSubServer(free_port(), restricted)
    server = grpc.server(ThreadPoolExecutor(16))
    server.add_generic_rpc_handlers(
        (
            grpc.method_handlers_generic_handler(
                PUBLISHER,
                {
                    "Publish": _handler(state.publish, PublishRequest, PublishResponse),
                    "CreateTopic": _handler(state.make, Topic, Topic),
                },
            ),
            grpc.method_handlers_generic_handler(
                IAM,
                {
                    "TestIamPermissions": grpc.unary_unary_rpc_method_handler(
                        state.permitted,
                        request_deserializer=TestIamPermissionsRequest.FromString,
                        response_serializer=TestIamPermissionsResponse.SerializeToString,
                    )
                },
            ),
            grpc.method_handlers_generic_handler(
                SUBSCRIBER,
                {
                    "CreateSubscription": _handler(state.make, Subscription, Subscription),
                    "UpdateSubscription": _handler(
                        state.make, UpdateSubscriptionRequest, Subscription
                    ),
                    "Pull": _handler(state.pull, PullRequest, PullResponse),
                },
            ),
        )
    )
    server.add_insecure_port(f"127.0.0.1:{state.port}")
    server.start()
    try:
        yield state
    finally:
        state.answers.set()
        server.stop(None).wait()


def _handler(method: Any, request: Any, response: Any) -> grpc.RpcMethodHandler:
    return grpc.unary_unary_rpc_method_handler(
        method,
        request_deserializer=request.deserialize,
        response_serializer=response.serialize,
    )
