"""Our decoding against open_clip's own transform, through CLIP and through the packaged encoder."""

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from PIL import Image

from mycovigil.models.bundle import Bundle
from mycovigil.models.demo import registration
from mycovigil.vision.encoder.identity import EncoderIdentity, locate
from mycovigil.vision.image.decode import decode, draft_factor_of
from mycovigil_training import torchvision_shim

FOLDERS = ("kaggle_subset/Classes", "field_guide", "field_walks", "not_mushroom")
SUFFIXES = {".jpg", ".jpeg", ".png"}
ENCODER = "mini/fp16"
# Of any coordinate of the two unit embeddings.
MOST_DIFFERENCE = 0.001
# Where a JPEG is decoded at a fraction of its size.
MOST_SCALED_DIFFERENCE = 0.003
# Of all 6,872 real photos; those that are not decoded at a fraction are decoded as before.
MOST_CHANGED = 6
Pixels = NDArray[np.uint8]
Embed = Callable[[list[Pixels]], NDArray[np.float32]]


def photos_of(folder: Path, most: int, names: tuple[str, ...] = FOLDERS) -> list[bytes]:
    """Photos on which both should agree: sRGB, and upright as they are stored. open_clip knows
    neither orientation nor colour profiles, and shows what is clear in whatever lies below."""
    chance = random.Random(20_261_122)
    found: list[bytes] = []
    for name in names:
        paths = sorted(path for path in (folder / name).rglob("*") if path.suffix in SUFFIXES)
        chance.shuffle(paths)
        datas = (path.read_bytes() for path in paths)
        plain = (data for data in datas if is_plain(data))
        found += [data for data, _ in zip(plain, range(most), strict=False)]
    return found


def is_plain(data: bytes) -> bool:
    with Image.open(io.BytesIO(data)) as image:
        upright = image.getexif().get(0x0112, 1) == 1
        return image.mode == "RGB" and upright and "icc_profile" not in image.info


def is_scaled(data: bytes, size: int) -> bool:
    """Whether our decoder reads it at a fraction of its size."""
    with Image.open(io.BytesIO(data)) as image:
        least = 2 * size * draft_factor_of(size)
        return image.format in {"JPEG", "MPO"} and min(image.size) >= least


def large_photo(seed: int) -> bytes:
    """A JPEG of 2 megapixels with edges and grain down to the pixel."""
    chance = np.random.default_rng(seed)
    small = Image.fromarray(chance.integers(0, 256, (20, 27, 3), dtype=np.uint8))
    large = np.asarray(small.resize((1_890, 1_400), Image.Resampling.NEAREST), dtype=np.int16)
    grainy = (large + chance.normal(0, 12, large.shape)).clip(0, 255).astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(grainy).save(stream, "JPEG", quality=88)
    return stream.getvalue()


@pytest.fixture(scope="module")
def transform() -> Callable[[int, str], Callable[[bytes], Pixels]]:
    """open_clip's transform for validation, without its last step, the normalisation."""
    torchvision_shim.make_importable()
    from open_clip.transform import image_transform

    def of(size: int, resize: str) -> Callable[[bytes], Pixels]:
        steps: Any = image_transform(size, is_train=False, resize_mode=resize)
        steps.transforms.pop()

        def apply(data: bytes) -> Pixels:
            with Image.open(io.BytesIO(data)) as image:
                unit = steps(image).permute(1, 2, 0).numpy()
            return np.asarray((unit * 255).round(), dtype=np.uint8)

        return apply

    return of


@pytest.fixture(scope="module")
def embed() -> Embed:
    return embedding_of(ENCODER)


def embedding_of(encoder: str) -> Embed:
    session = ort.InferenceSession(
        str(locate(encoder) / "encoder.onnx"), providers=["CPUExecutionProvider"]
    )

    def of(pixels: list[Pixels]) -> NDArray[np.float32]:
        return np.concatenate([session.run(None, {"pixels": one[None]})[0] for one in pixels])

    return of


@pytest.fixture(scope="module")
def clip() -> Embed:
    """The image tower of ViT-B-32 with random weights: at hand everywhere, and of the size that
    production runs."""
    torchvision_shim.make_importable()
    import torch
    from open_clip.factory import get_model_config
    from open_clip.model import CLIPVisionCfg, _build_vision_tower

    torch.manual_seed(0)
    config: Any = get_model_config("ViT-B-32")
    vision = CLIPVisionCfg(**config["vision_cfg"])
    tower = _build_vision_tower(config["embed_dim"], vision).eval()

    def of(pixels: list[Pixels]) -> NDArray[np.float32]:
        unit = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2) / 255.0
        with torch.inference_mode():
            rows = torch.nn.functional.normalize(tower((unit - 0.45) / 0.27), dim=-1)
        return np.asarray(rows.numpy())

    return of


def test_embeddings_agree(photos: Path, transform: Any, embed: Embed) -> None:
    identity = EncoderIdentity.read(locate(ENCODER))
    size, theirs = identity.image_size, transform(identity.image_size, identity.resize)
    found = [data for data in photos_of(photos, 30) if not is_scaled(data, size)]
    ours = [decode(data, size=size, max_pixels=10**8).pixels for data in found]

    difference = np.abs(embed(ours) - embed([theirs(data) for data in found]))

    assert len(found) > 60
    assert difference.max() <= 2 * MOST_DIFFERENCE  # rounding of single pixels: mini is small


def test_scaled_decoding_stays_near(photos: Path, transform: Any, embed: Embed) -> None:
    """No rounding noise passes .001 through this small encoder; the direction is what counts."""
    identity = EncoderIdentity.read(locate(ENCODER))
    size, theirs = identity.image_size, transform(identity.image_size, identity.resize)
    found = [data for data in photos_of(photos, 400, FOLDERS[:1]) if is_scaled(data, size)]
    ours = [decode(data, size=size, max_pixels=10**8).pixels for data in found]

    scaled, whole = embed(ours), embed([theirs(data) for data in found])
    cosine = (scaled * whole).sum(axis=1)

    assert len(found) > 40
    assert cosine.min() > 0.999


@pytest.mark.whole
def test_scaled_decoding_changes_no_answer(photos: Path, transform: Any) -> None:
    """By the packaged demo model and its encoder."""
    head = Bundle.from_bytes((registration.FOLDER / registration.BUNDLE).read_bytes())
    identity = EncoderIdentity.read(locate(head.meta.encoder_uri))
    size, theirs = identity.image_size, transform(identity.image_size, identity.resize)
    found = [data for data in photos_of(photos, 400, FOLDERS[:1]) if is_scaled(data, size)]
    demo = embedding_of(head.meta.encoder_uri)

    scaled = demo([decode(data, size=size, max_pixels=10**8).pixels for data in found])
    whole = demo([theirs(data) for data in found])

    assert len(found) > 40
    classes = (head.probabilities(rows).argmax(axis=1) for rows in (scaled, whole))
    assert np.not_equal(*classes).sum() <= MOST_CHANGED


@pytest.mark.whole
def test_both_paths_agree_through_clip(photos: Path, transform: Any, clip: Embed) -> None:
    found = photos_of(photos, 4) + [large_photo(seed) for seed in range(4)]
    assert sum(is_scaled(data, 224) for data in found) == 4
    theirs = transform(224, "shortest")
    ours = [decode(data, size=224, max_pixels=10**8).pixels for data in found]

    difference = np.abs(clip(ours) - clip([theirs(data) for data in found])).max(axis=1)

    scaled = np.array([is_scaled(data, 224) for data in found])
    assert len(found) == 20
    assert difference[~scaled].max() <= MOST_DIFFERENCE
    assert difference[scaled].max() <= MOST_SCALED_DIFFERENCE


@pytest.mark.parametrize("resize", ["shortest", "squash"])
def test_pixels_agree_where_photos_are_enlarged(photos: Path, transform: Any, resize: str) -> None:
    theirs = transform(224, resize)
    for data in photos_of(photos, 10):
        if is_scaled(data, 224):
            continue
        ours = decode(data, size=224, max_pixels=10**8, resize=resize).pixels
        difference = np.abs(ours.astype(int) - theirs(data))
        assert difference.mean() < 0.3  # rounding: Pillow takes long photos down first, then across
        assert difference.max() <= 4
