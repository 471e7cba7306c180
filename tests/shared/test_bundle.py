"""Bundles survive storage, and anything else is refused."""

from pathlib import Path

import numpy as np
import pytest
from factories.bundle import make_bundle
from factories.encoder import tiny_encoder_folder

from mycovigil.models import bundle as bundles
from mycovigil.models.bundle import Bundle, BundleError
from mycovigil.storage import MissingObject, Storage, photo_key
from mycovigil.vision.encoder.identity import EncoderIdentity, EncoderMismatch, locate
from mycovigil_statistics.safety.calibration import softmax


@pytest.fixture
def encoder(tmp_path: Path) -> Path:
    return tiny_encoder_folder(tmp_path / "encoder")


def test_round_trip(encoder: Path) -> None:
    made = make_bundle(encoder)
    data = made.to_bytes()
    read = Bundle.from_bytes(data, sha256=bundles.digest(data))
    assert (read.meta, read.species) == (made.meta, made.species)
    np.testing.assert_array_equal(read.weight, made.weight)
    np.testing.assert_array_equal(read.anchors, made.anchors)


@pytest.mark.parametrize("dimension", [48, 768])
def test_probabilities_are_those_that_were_served(encoder: Path, dimension: int) -> None:
    """To the last bit, as the predictor, training and the seasonal reference sets computed them
    before the bundle did."""
    rng = np.random.default_rng(7)
    arrays = {
        "weight": rng.normal(size=(4, dimension)),
        "bias": rng.normal(size=4),
        "centre": rng.normal(size=dimension) / 30,
        "anchors": rng.normal(size=(3, dimension)),
    }
    bundle = make_bundle(encoder).model_copy(
        update={name: array.astype(np.float32) for name, array in arrays.items()}
    )
    features = rng.normal(size=(50, dimension)).astype(np.float32)
    features /= np.linalg.norm(features, axis=1, keepdims=True)
    batch = softmax((features - bundle.centre) @ bundle.weight.T + bundle.bias)
    np.testing.assert_array_equal(bundle.probabilities(features), batch)
    for row in features:
        logits = (bundle.weight @ (row - bundle.centre) + bundle.bias).astype(np.float64)
        grown = np.exp(logits - logits.max())
        np.testing.assert_array_equal(bundle.probabilities(row), grown / grown.sum())


def test_species_are_summed_to_classes_and_the_sums_scaled(encoder: Path) -> None:
    rng = np.random.default_rng(7)
    classes = np.array([0, 0, 0, 1, 2, 2, 3])
    scale, offset = np.array([0.5, 1, 1, 2]), np.array([0.1, 0, -0.2, 0.3])
    arrays = {"weight": rng.normal(size=(7, 48)), "bias": rng.normal(size=7), "scale": scale}
    arrays |= {"centre": rng.normal(size=48) / 30, "offset": offset}
    bundle = make_bundle(encoder).model_copy(
        update={name: array.astype(np.float32) for name, array in arrays.items()}
        | {"output_classes": classes}
    )
    features = rng.normal(size=(50, 48)).astype(np.float32)
    species = softmax((features - bundle.centre) @ bundle.weight.T + bundle.bias)
    sums = np.stack([species[:, classes == number].sum(axis=1) for number in range(4)], axis=1)
    wanted = softmax(np.log(sums) * bundle.scale + bundle.offset)
    read = Bundle.from_bytes(bundle.to_bytes())
    np.testing.assert_allclose(read.probabilities(features), wanted, atol=1e-6)
    for row, alone in zip(features, wanted, strict=True):
        np.testing.assert_allclose(read.probabilities(row), alone, atol=1e-6)


def test_another_digest_is_refused(encoder: Path) -> None:
    with pytest.raises(BundleError, match="sha256"):
        Bundle.from_bytes(make_bundle(encoder).to_bytes(), sha256="0" * 64)


@pytest.mark.parametrize("data", [b"", b"x" * 100, b"\x08" + bytes(7) + b"{}      "])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        Bundle.from_bytes(data)


def test_json_that_is_no_object_is_refused() -> None:
    with pytest.raises(BundleError, match="not a model bundle"):
        Bundle.from_bytes(b"\x02" + bytes(7) + b"[]")


def test_a_bundle_of_a_newer_release_says_to_update(encoder: Path) -> None:
    made = make_bundle(encoder)
    newer = made.model_copy(
        update={"meta": made.meta.model_copy(update={"format": "mycovigil-bundle/3"})}
    )
    with pytest.raises(BundleError, match=r"format mycovigil-bundle/3.*update mycovigil"):
        Bundle.from_bytes(newer.to_bytes())


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"output_classes": np.array([0, 1, 2, 2])}, "every class"),
        ({"output_classes": np.array([0, 2, 1, 3])}, "every class"),
        ({"output_classes": np.array([0, 1, 2, 3, 3])}, "weight has shape"),
        ({"scale": np.ones(3, np.float32)}, "scale has shape"),
        ({"bias": np.zeros(5, np.float32)}, "bias has shape"),
        ({"centre": np.zeros(7, np.float32)}, "centre has shape"),
    ],
    ids=["a class without output", "unsorted", "too few outputs", "scale", "bias", "centre"],
)
def test_arrays_that_do_not_fit_are_refused(
    encoder: Path, arrays: dict[str, object], words: str
) -> None:
    with pytest.raises(BundleError, match=words):
        Bundle.from_bytes(make_bundle(encoder).model_copy(update=arrays).to_bytes())


def test_a_changed_encoder_is_refused(encoder: Path) -> None:
    identity = EncoderIdentity.read(locate(str(encoder)))
    assert identity.checked_onnx(encoder).exists()
    with (encoder / "encoder.onnx").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(EncoderMismatch, match="export the encoder again"):
        identity.checked_onnx(encoder)


def test_an_unknown_encoder_says_what_to_give() -> None:
    with pytest.raises(FileNotFoundError, match="mini/int8"):
        locate("nowhere/at-all")


def test_storage_by_key(storage: Storage) -> None:
    key = storage.write(photo_key("ab" * 32), b"photo")
    assert storage.read(key) == b"photo"
    assert storage.keys("photos") == [key]
    storage.delete(key)
    with pytest.raises(MissingObject):
        storage.read(key)
    with pytest.raises(ValueError, match="not a key"):
        storage.read("../secrets")
