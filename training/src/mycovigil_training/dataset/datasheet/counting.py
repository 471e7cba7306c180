"""What a datasheet's bars count."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mycovigil_training.dataset.curated import CuratedPhoto
from mycovigil_training.dataset.dropped import Dropped

MOST_BARS = 40
MONTHS = "January February March April May June July August September October November December"
# Photos a species, by powers of two.
SIZES = (1, 2, 3, 5, 9, 17, 33, 65, 129)


@dataclass(frozen=True, slots=True)
class Bars:
    """A histogram: ``bars`` of names and counts; ``more`` names that are not drawn."""

    title: str
    bars: tuple[tuple[str, int], ...]
    more: int = 0

    @property
    def highest(self) -> int:
        return max((count for _, count in self.bars), default=1)


def histograms(photos: Sequence[CuratedPhoto], dropped: Sequence[Dropped]) -> list[Bars]:
    """Those that have anything to show."""
    months = Counter(photo.captured_at[5:7] for photo in photos if len(photo.captured_at) >= 7)
    species = Counter(photo.species for photo in photos)
    found = [
        _largest("Photos a species", species),
        Bars("Species by their number of photos", tuple(_ranges(species.values()))),
        Bars("Photos a year", tuple(sorted(_years(photos).items()))),
        Bars(
            "Photos a month",
            tuple((name, months[f"{n:02}"]) for n, name in enumerate(MONTHS.split(), 1))
            if months
            else (),
        ),
        _largest("Photos a camera", Counter(photo.camera for photo in photos if photo.camera)),
        _largest("Left out, and why", Counter(one.reason for one in dropped)),
    ]
    return [bars for bars in found if bars.bars]


def _largest(title: str, counts: "Counter[str]") -> Bars:
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return Bars(title, tuple(ordered[:MOST_BARS]), max(len(ordered) - MOST_BARS, 0))


def _ranges(sizes: Iterable[int]) -> Iterable[tuple[str, int]]:
    counted = Counter(max(least for least in SIZES if least <= size) for size in sizes)
    for least, following in zip(SIZES, (*SIZES[1:], 0), strict=True):
        name = f"{least} to {following - 1}" if following else f"{least} or more"
        yield str(least) if following == least + 1 else name, counted[least]


def _years(photos: Iterable[CuratedPhoto]) -> "Counter[str]":
    return Counter(photo.captured_at[:4] for photo in photos if len(photo.captured_at) >= 4)
