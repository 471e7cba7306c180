"""The photos of a request: multipart or raw body, refused while streaming and not after."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from fastapi import Request
from multipart import (  # type: ignore[import-untyped]
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from mycovigil.problem import Problem
from mycovigil_predictor import problems
from mycovigil_predictor.admission import Reservation

PHOTO_FIELDS = frozenset({"file", "files", "files[]"})
FIELD_BYTES = 4_096
MOST_FIELDS = 16
MOST_PART_HEADERS = 8
# A file name of 3,000 characters, percent-encoded.
PART_HEADER_BYTES = 16_384
# In Latin-1 any bytes can be read, so that none of a file's name is a reason to refuse the form.
HEADER_CHARSET = "latin-1"
# Where a file's name that ends in a backslash byte (Shift-JIS, GBK) hides the field's from the
# parser, because it comes first.
FIELD_NAME = re.compile(r';\s*name\s*=\s*"?([^";]*)')


@dataclass(frozen=True, slots=True)
class Limits:
    """``photo_bytes`` of one photo and ``photos`` of one specimen."""

    photo_bytes: int
    photos: int


@dataclass(slots=True)
class Upload:
    """Photos in the order they came, and the form's text fields."""

    photos: list[bytes] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


# Asked with a form's fields before the first byte of a photo is taken; may refuse by a problem.
BeforePhotos = Callable[[dict[str, str]], Awaitable[None]]


async def read(
    request: Request,
    limits: Limits,
    reservation: Reservation,
    before_photos: BeforePhotos | None = None,
) -> Upload:
    """Read the body of ``request``.

    Args:
        before_photos: awaited once, with the fields that came before the first photo.

    Raises:
        Problem: 400 broken multipart, 413 too large, 415 neither a form nor a photo,
            422 no photo or too many.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind == "multipart/form-data":
        boundary = options.get("boundary", "")
        upload = await _form(request, boundary, limits, reservation, before_photos)
    elif kind.startswith("image/") or kind == "application/octet-stream":
        if before_photos is not None:
            await before_photos({})
        upload = Upload(photos=[await _raw(request, limits, reservation)])
    else:
        raise _unsupported(kind)
    if not upload.photos or not all(upload.photos):
        raise _no_photo()
    return upload


async def _raw(request: Request, limits: Limits, reservation: Reservation) -> bytes:
    _refuse_announced(request, limits.photo_bytes)
    body = bytearray()
    async for chunk in _stream(request, reservation):
        if len(body) + len(chunk) > limits.photo_bytes:
            raise problems.too_large(limits.photo_bytes)
        body += chunk
    return bytes(body)


async def _form(
    request: Request,
    boundary: str,
    limits: Limits,
    reservation: Reservation,
    before_photos: BeforePhotos | None,
) -> Upload:
    if not boundary:
        raise _broken("the Content-Type names no boundary")
    most = limits.photos * limits.photo_bytes + MOST_FIELDS * FIELD_BYTES
    _refuse_announced(request, most)
    collector = _Collector(limits)
    received = 0
    try:
        with PushMultipartParser(
            boundary,
            max_header_size=PART_HEADER_BYTES,
            max_header_count=MOST_PART_HEADERS,
            max_segment_count=limits.photos + MOST_FIELDS,
            header_charset=HEADER_CHARSET,
        ) as parser:
            async for chunk in _stream(request, reservation):
                received += len(chunk)
                if received > most:
                    raise problems.too_large(limits.photo_bytes)
                for event in parser.parse(chunk):
                    collector.take(event)
                    if before_photos is not None and collector.has_photo:
                        await before_photos(collector.upload.fields)
                        before_photos = None
    except ParserLimitReached as error:
        raise _too_many_parts(_told(error)) from error
    except (MultipartError, ValueError, LookupError) as error:
        raise _broken(_told(error)) from error
    return collector.upload


async def _stream(request: Request, reservation: Reservation) -> AsyncIterator[bytes]:
    async for chunk in request.stream():
        if chunk:
            reservation.grow(len(chunk))
            yield chunk


class _Collector:
    """Gathers the parser's events into an upload."""

    def __init__(self, limits: Limits) -> None:
        self.upload = Upload()
        self._limits = limits
        self._segment: MultipartSegment | None = None
        self._body = bytearray()

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif event is None:
            self._end()
        else:
            self._more(event)

    @property
    def has_photo(self) -> bool:
        """Whether part of a photo was received; an empty file field does not count."""
        segment = self._segment
        begun = segment is not None and _is_photo(segment) and (segment.filename or self._body)
        return bool(begun or self.upload.photos)

    def _begin(self, segment: MultipartSegment) -> None:
        segment.name = _field_name(segment)
        self._segment = segment
        self._body = bytearray()
        if _is_photo(segment) and len(self.upload.photos) >= self._limits.photos:
            raise _too_many_photos(self._limits.photos)

    def _more(self, data: bytes | bytearray) -> None:
        assert self._segment is not None
        self._body += data
        if _is_photo(self._segment):
            if len(self._body) > self._limits.photo_bytes:
                raise problems.too_large(self._limits.photo_bytes)
        elif len(self._body) > FIELD_BYTES:
            raise _broken(f"the field {self._segment.name!r} is longer than {FIELD_BYTES} bytes")

    def _end(self) -> None:
        """A file field that was left empty in a browser has neither a name nor a body."""
        assert self._segment is not None
        if _is_photo(self._segment):
            if self._body or self._segment.filename:
                self.upload.photos.append(bytes(self._body))
        else:
            value = self._body.decode("utf-8", errors="replace")
            self.upload.fields[str(self._segment.name)] = value


def _field_name(segment: MultipartSegment) -> str:
    """The form field's name; its bytes, read as Latin-1 before, are UTF-8."""
    name = str(segment.name)
    if not name and (found := FIELD_NAME.search(segment.header("Content-Disposition", ""))):
        name = found[1]
    return name.encode(HEADER_CHARSET, errors="replace").decode(errors="replace")


def _told(error: Exception) -> str:
    """The parser's own words for what it cannot read; an error of Python's has none."""
    words = error.args[0] if isinstance(error, MultipartError) and len(error.args) == 1 else None
    return words if isinstance(words, str) else "a part of it cannot be read"


def _is_photo(segment: MultipartSegment) -> bool:
    """Names of files are never used for anything, so tricks with paths lead nowhere."""
    return segment.name in PHOTO_FIELDS


def _refuse_announced(request: Request, most: int) -> None:
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > most:
        raise problems.too_large(most)


def _no_photo() -> Problem:
    return Problem(
        422,
        "no-photo",
        "No photo",
        "The request holds no photo, or one of 0 bytes. Send the form field 'file' (or several "
        "'files' of one specimen), or the photo itself as the body.",
    )


def _too_many_photos(most: int) -> Problem:
    return Problem(
        422,
        "too-many-photos",
        "Too many photos",
        f"At most {most} photos of one specimen are pooled. Send different mushrooms in "
        "different requests.",
    )


def _too_many_parts(detail: str) -> Problem:
    return Problem(413, "too-many-parts", "The form has too many parts", f"{detail}.")


def _broken(detail: str) -> Problem:
    return Problem(
        400, "broken-multipart", "The form cannot be read", f"Broken multipart body: {detail}."
    )


def _unsupported(kind: str) -> Problem:
    return Problem(
        415,
        "unsupported-media-type",
        "Neither a form nor a photo",
        f"Content-Type {kind or '(none)'} is not read. Send multipart/form-data with the field "
        "'file', or the photo as the body with its image/* type.",
    )
