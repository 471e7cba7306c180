"""Near-equal pictures, and bursts of them."""

import datetime
import io

import numpy as np
import pytest
from factories.photo import make_photo
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from mycovigil.references.bursts import BURST, Sent, bursts
from mycovigil.vision.image.decode import decode
from mycovigil.vision.image.fingerprint import (
    BYTES,
    NEAR_BITS,
    NEAR_COLOUR,
    Fingerprints,
    fingerprint,
)

START = datetime.datetime(2026, 9, 1, 12, tzinfo=datetime.UTC)
RNG = np.random.default_rng(5)
PICTURES = [RNG.bytes(BYTES) for _ in range(4)]


def pixels(data: bytes) -> np.ndarray:
    return decode(data, size=64, max_pixels=10**7).pixels


def photo(number: int) -> np.ndarray:
    """A picture with shapes, unlike those of other numbers."""
    coarse = np.random.default_rng(number).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((224, 224), Image.Resampling.BICUBIC))


def saved(picture: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream))


def near(*pictures: np.ndarray) -> list[tuple[int, int]]:
    prints = Fingerprints.of([fingerprint(picture) for picture in pictures])
    return list(prints.pairs(most_bits=NEAR_BITS, most_colour=NEAR_COLOUR))


def test_a_picture_saved_again_scaled_or_cropped_a_little_is_near_and_no_other_is() -> None:
    first = photo(1)
    small = np.asarray(Image.fromarray(first).resize((96, 96)))
    cropped = np.ascontiguousarray(first[4:-4, 4:-4])
    assert near(first, saved(first, 60), photo(2), small, photo(3), cropped) == [
        (0, 1),
        (0, 3),
        (0, 5),
        (1, 3),
        (1, 5),
        (3, 5),
    ]


def test_any_size_of_picture_has_a_fingerprint() -> None:
    assert {len(fingerprint(photo(1)[:side, :side])) for side in (1, 7, 37, 224)} == {BYTES}
    assert len(fingerprint(pixels(make_photo()))) == BYTES


def sent(answer: str, minutes: float, picture: int, key: str = "a") -> Sent:
    at = START + datetime.timedelta(minutes=minutes)
    return Sent(answer, key, at, PICTURES[picture])


def test_a_burst_goes_on_as_long_as_each_photo_follows_within_minutes() -> None:
    photos = [
        sent("1", 0, 0),
        sent("2", 1.9, 0),
        sent("3", 3.8, 0),
        sent("4", 6.0, 0),  # too late
        sent("5", 0.5, 1),  # another picture
        sent("6", 0.6, 0, key="b"),  # another key
    ]
    assert bursts(photos) == ["photos/1", "photos/1", "photos/1", None, None, None]


def test_photos_of_one_answer_are_one_group_and_draw_their_likes_in() -> None:
    photos = [sent("1", 0, 0), sent("1", 0, 1), sent("2", 1, 1), sent("3", 1, 2)]
    assert bursts(photos) == ["photos/1", "photos/1", "photos/1", None]
    assert bursts([]) == []


@given(
    st.lists(
        st.tuples(st.floats(0, 12), st.integers(0, 3), st.sampled_from("ab")),
        min_size=1,
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_groups_do_not_depend_on_the_order_of_photos(
    photos: list[tuple[float, int, str]], random: object
) -> None:
    given_photos = [sent(f"{n:02}", *photo) for n, photo in enumerate(photos)]
    order = list(range(len(given_photos)))
    random.shuffle(order)  # type: ignore[attr-defined]
    found = bursts(given_photos)
    assert bursts([given_photos[n] for n in order]) == [found[n] for n in order]
    for one, name in zip(given_photos, found, strict=True):
        alike = [
            other
            for other in given_photos
            if other is not one
            and (other.key, other.fingerprint) == (one.key, one.fingerprint)
            and abs(other.at - one.at) <= BURST
        ]
        assert (name is not None) == bool(alike)


@pytest.mark.parametrize("count", [1, 2, 300])
def test_many_photos_at_once_are_compared(count: int) -> None:
    photos = [sent(f"{n:03}", 0, n % 4) for n in range(count)]
    assert len({name for name in bursts(photos) if name}) == (4 if count > 7 else 0)
