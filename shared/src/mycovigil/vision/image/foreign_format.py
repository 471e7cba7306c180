"""Formats that are recognised to be refused in the right words."""

from mycovigil.vision.image import heif
from mycovigil.vision.image.container import tiff_directory
from mycovigil.vision.image.container.tiff_directory import Directory
from mycovigil.vision.image.refusals import UndecodableImage, UnsupportedImage

TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# Beginnings of RAW files that are no TIFF, and where Canon's CR2, which is one, says so.
RAW = (
    b"FUJIFILMCCD-RAW",
    b"FOVb",
    b"\0MRM",
    b"IIRO",
    b"IIRS",
    b"MMOR",
    b"IIU\0",
    b"II\x1a\0\0\0HEAP",
)
CR2, CR3 = (8, b"CR"), b"crx "
# Tags of TIFF and of its relatives.
KIND, WIDTH, HEIGHT, COMPRESSION, PHOTOMETRIC, INNER, DNG = 254, 256, 257, 259, 262, 330, 50_706
REDUCED = 1
# Photometric interpretations and compressions of sensor data (Adobe, Nikon, Sony, Samsung, Kodak,
# Pentax).
SENSOR = frozenset({32_803, 34_892})
SENSOR_CODED = frozenset({32_767, 32_769, 32_770, 34_713, 65_000, 65_535})
AVIF = frozenset({b"avif", b"avis"})
SEND = "send JPEG, PNG or WebP"
RAW_ADVICE = (
    "RAW files (DNG, NEF, CR3 and the like) are not read, for what can be seen in them is a small "
    "preview; export the photo as JPEG and send that"
)


def refuse_raw(data: bytes) -> None:
    """Refuse a RAW file, whose only readable picture is a small preview.

    Raises:
        UnsupportedImage: ``data`` is a RAW file.
    """
    at, canon = CR2
    if data.startswith(RAW) or data[4:12] == b"ftyp" + CR3:
        raise UnsupportedImage(RAW_ADVICE)
    if data.startswith(TIFF) and (data.startswith(canon, at) or _has_sensor_data(data)):
        raise UnsupportedImage(RAW_ADVICE)


def _has_sensor_data(tiff: bytes) -> bool:
    """Whether the first picture is sensor data, or only a preview of another."""
    first = tiff_directory.read(tiff)
    if first is None:
        return False
    if DNG in first or _first(first, KIND) & REDUCED or _is_of_sensor(first):
        return True
    inner = [tiff_directory.read(tiff, start) for start in first.get(INNER, ())]
    return any(one is None or _is_of_sensor(one) or _area(one) >= _area(first) for one in inner)


def _is_of_sensor(directory: Directory) -> bool:
    coded = _first(directory, COMPRESSION) in SENSOR_CODED
    return coded or _first(directory, PHOTOMETRIC) in SENSOR


def _area(directory: Directory) -> int:
    return _first(directory, WIDTH) * _first(directory, HEIGHT)


def _first(directory: Directory, tag: int) -> int:
    values = directory.get(tag, ())
    return values[0] if values else 0


def unidentified(data: bytes) -> UndecodableImage:
    """Why no reader knows ``data``."""
    head = data[:64]
    if head[4:8] == b"ftyp":
        kind = "AVIF photos" if head[8:12] in AVIF else "videos"
        return UnsupportedImage(f"{kind} are not read; {SEND}")
    if head.lstrip()[:5].lower() in {b"<svg ", b"<?xml"} or head[:5] == b"%PDF-":
        return UnsupportedImage(f"vector documents are not read; {SEND}")
    return UndecodableImage("this is not a photo in JPEG, PNG, WebP, GIF, BMP or TIFF format")


def unreadable(data: bytes) -> UndecodableImage:
    """Why a file of a known format was not decoded."""
    if heif.is_heif(data) and not heif.missing(data):
        return UnsupportedImage("this HEIC file holds no photo that can be read; send a JPEG")
    return damaged()


def damaged() -> UndecodableImage:
    return UndecodableImage("the file is damaged or was cut off; send the photo as it was taken")
