"""A contact sheet of all species: `python -m mycovigil_simulator.contact FILE.png`."""

import sys

import cv2
import numpy as np
from PIL import Image as Pillow

from mycovigil_simulator.arrays import Image
from mycovigil_simulator.photo import render
from mycovigil_simulator.species import NOVEL, SAFETY_CLASSES, SPECIES
from mycovigil_simulator.taxon import Species

BAND = 12  # pixels for the name under a photo


def contact_sheet(rows: list[list[Species]], *, seed: int, size: int = 128) -> Image:
    """A row of named photos for each list of species, sRGB; short rows end in black."""
    width = max(len(row) for row in rows)
    blank = np.zeros((size + BAND, size, 3), np.uint8)
    lines = [
        np.concatenate(
            [_named(one, seed + index, size) for index, one in enumerate(row)]
            + [blank] * (width - len(row)),
            axis=1,
        )
        for row in rows
    ]
    return np.concatenate(lines, axis=0)


def _named(species: Species, seed: int, size: int) -> Image:
    """One clean photo over the name of its species."""
    tile = np.zeros((size + BAND, size, 3), np.uint8)
    tile[:size] = render(species, seed=seed, size=size).pixels
    font = cv2.FONT_HERSHEY_SIMPLEX
    place = (2, size + BAND - 3)
    cv2.putText(tile, species.latin, place, font, 0.28, (230, 230, 230), 1, cv2.LINE_AA)
    return tile


def main() -> None:
    """Write the sheet: a row for each safety class, and one of novel species."""
    rows = [[one for one in SPECIES if one.safety_class == name] for name in SAFETY_CLASSES]
    sheet = contact_sheet(
        [*rows, list(NOVEL)], seed=int(sys.argv[2]) if sys.argv[2:] else 1, size=104
    )
    coarse = sheet & 0xF8  # five bits a channel: the file shrinks by half, the eye hardly notices
    Pillow.fromarray(coarse).save(sys.argv[1], optimize=True)


if __name__ == "__main__":
    main()
