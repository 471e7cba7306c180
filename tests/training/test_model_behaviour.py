"""What any sound model does: learns a batch by heart, and answers a photo alike in any company.

The features are those of the packaged encoder, the answers those of the demo model.
"""

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from mycovigil.models.bundle import Bundle
from mycovigil.models.demo import registration
from mycovigil_training.configuration import compose
from mycovigil_training.encoder.pretrain.rendered import draw
from mycovigil_training.features.engine import Engine
from mycovigil_training.head.fitting import fit
from mycovigil_training.register.demo_model import ENCODER

ORIENTATION = 0x0112
# EXIF orientations, and how a camera that writes them has stored the upright picture.
STORED = {
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(ENCODER)


@pytest.fixture(scope="module")
def pictures(engine: Engine) -> list[Image.Image]:
    """As large as the encoder's input: scaling would round rows and columns differently."""
    side = engine.identity.image_size
    return [Image.fromarray(draw(place, 9_000_000, side).pixels) for place in range(8)]


def png(picture: Image.Image, orientation: int = 1) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    file = io.BytesIO()
    picture.save(file, "PNG", exif=exif)
    return file.getvalue()


def squares(engine: Engine, files: list[bytes]) -> NDArray[np.uint8]:
    return np.stack([engine.decoded(file, max_pixels=1_000_000).pixels for file in files])


def test_a_batch_is_learned_by_heart() -> None:
    """Random features with random labels: only a model that can memorise gets them right."""
    random = np.random.default_rng(4)
    features = random.normal(size=(32, 64)).astype(np.float32)
    labels = random.permutation(np.arange(32) % 4)
    species = np.array([f"species {row}" for row in range(32)])
    config = compose(["head.ridge=0.01", "head.epochs=20"]).head
    head = fit(features, labels, species, None, config, seed=1)
    assert (head.logits(features).argmax(axis=1) == labels).all()
    assert np.exp(head.logits(features))[np.arange(32), labels].min() > 0.95


def test_company_and_order_change_no_answer(engine: Engine, pictures: list[Image.Image]) -> None:
    pixels = squares(engine, [png(picture) for picture in pictures])
    bundle = Bundle.from_bytes((registration.FOLDER / registration.BUNDLE).read_bytes())
    together = engine.encode(pixels)
    alone = np.concatenate([engine.encode(pixels[[row]]) for row in range(len(pixels))])
    order = np.random.default_rng(3).permutation(len(pixels))
    np.testing.assert_allclose(alone, together, atol=1e-5)
    np.testing.assert_allclose(engine.encode(pixels[order]), together[order], atol=1e-5)
    answers = bundle.probabilities(together)
    np.testing.assert_allclose(bundle.probabilities(alone[order]), answers[order], atol=1e-4)
    np.testing.assert_allclose(answers.sum(axis=1), 1)


@pytest.mark.parametrize("orientation", list(STORED))
def test_a_photo_that_exif_turns_has_the_features_of_the_upright_one(
    engine: Engine, pictures: list[Image.Image], orientation: int
) -> None:
    turned = [png(one.transpose(STORED[orientation]), orientation) for one in pictures[:2]]
    upright = [png(one) for one in pictures[:2]]
    found, wanted = (engine.encode(squares(engine, files)) for files in (turned, upright))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
