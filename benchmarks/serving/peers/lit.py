"""LitServe with batching; photos in base64, as its documentation sends them."""

import base64
import os
from typing import Any

import litserve

from serving.peers.model import load

BATCH = 8
WAIT_SECONDS = 0.005


class Api(litserve.LitAPI):  # type: ignore[misc]
    def setup(self, device: str) -> None:
        self.model = load()

    def decode_request(self, request: dict[str, str]) -> bytes:
        return base64.b64decode(request["image"])

    def batch(self, inputs: list[bytes]) -> list[bytes]:
        return inputs

    def predict(self, inputs: list[bytes]) -> list[list[float]]:
        return self.model(inputs)

    def unbatch(self, output: list[list[float]]) -> list[list[float]]:
        return output

    def encode_response(self, output: list[float]) -> dict[str, Any]:
        return {"scores": output}


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(max_batch_size=BATCH, batch_timeout=WAIT_SECONDS),
        accelerator="cpu",
        workers_per_device=int(os.environ["PEER_WORKERS"]),
        timeout=120,
    )
    server.run(
        host="127.0.0.1",
        port=int(os.environ["PEER_PORT"]),
        log_level="error",
        generate_client_file=False,
    )
