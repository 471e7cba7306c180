"""BentoML with adaptive batching: ``bentoml serve serving.peers.bento:Encoder``."""

import bentoml
from PIL import Image
from PIL.ImageFile import ImageFile

from serving.peers.model import load

BATCH = 8


@bentoml.service(traffic={"timeout": 120})
class Encoder:
    def __init__(self) -> None:
        self.model = load()

    @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=60_000)  # type: ignore[untyped-decorator]
    def predict(self, images: list[Image.Image]) -> list[list[float]]:
        return self.model([_bytes(image) for image in images])


def _bytes(image: Image.Image) -> bytes:
    """The file as it came: Pillow has read no more than its header yet."""
    assert isinstance(image, ImageFile)
    assert image.fp is not None
    image.fp.seek(0)
    return image.fp.read()
