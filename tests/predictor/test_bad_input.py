"""Every bad upload gets its documented problem, and the service goes on."""

import io
import re
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np
import pytest
from factories.photo import encoded, make_photo, make_picture
from factories.predictor import Running, Serve
from PIL import Image

from mycovigil.settings import Settings

MEDIA_TYPE = "application/problem+json"


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """A valid PNG header that promises 900 megapixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1_000_000), 9)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def heic() -> bytes:
    return struct.pack(">I", 24) + b"ftypheic" + b"\0\0\0\0mif1heic" + bytes(400)


BAD = {
    "not an image": (b"hello, this is no photo", 422, "undecodable-photo"),
    "no bytes": (b"", 422, "no-photo"),
    "truncated": (make_photo(400, 300)[:600], 422, "undecodable-photo"),
    "bomb": (bomb(), 413, "too-many-pixels"),
    "HEIC": (heic(), 415, "unsupported-photo"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported-photo"),
    "PDF polyglot": (b"%PDF-1.7\n" + make_photo(), 415, "unsupported-photo"),
    "a zip named jpg": (b"PK\x03\x04" + bytes(200), 422, "undecodable-photo"),
}


def test_bad_photos_are_refused_with_their_problem(predictor: Running) -> None:
    for name, (photo, status, slug) in BAD.items():
        answer = predictor.predict(photo)
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == MEDIA_TYPE, name
        problem = answer.json()
        assert problem["type"].endswith(slug), (name, problem)
        assert problem["detail"].endswith("."), (name, problem)
        form = predictor.http.post("/v1/predictions", files={"file": ("../../x", photo)})
        assert form.status_code == status, (name, form.text)
    assert predictor.predict(make_photo()).status_code == 200


def odd_photos() -> Iterator[tuple[str, bytes]]:
    picture = make_picture(120, 90)
    frames = [make_picture(120, 90, seed=i) for i in range(3)]
    yield "animated GIF", encoded(picture, "GIF", save_all=True, append_images=frames)
    yield "CMYK JPEG", encoded(picture.convert("CMYK"), "JPEG")
    deep = (np.asarray(picture.convert("L")).astype(np.uint16) << 8).astype(np.uint16)
    yield "16-bit PNG", encoded(Image.fromarray(deep), "PNG")
    palette = picture.convert("P")
    palette.info["transparency"] = 3
    yield "palette with alpha", encoded(palette, "PNG", transparency=3)
    yield "alpha", encoded(picture.convert("RGBA"), "PNG")
    yield "grey", encoded(picture.convert("L"), "JPEG")
    yield "bilevel", encoded(picture.convert("1"), "PNG")
    yield "WebP", encoded(picture, "WEBP")
    yield "BMP", encoded(picture, "BMP")
    yield "TIFF", encoded(picture, "TIFF")
    yield "one pixel", encoded(picture.resize((1, 1)), "PNG")
    yield "very wide", encoded(picture.resize((4_000, 2)), "PNG")


def test_odd_photos_are_answered(predictor: Running) -> None:
    for name, photo in odd_photos():
        answer = predictor.predict(photo)
        assert answer.status_code == 200, (name, answer.text)


@pytest.mark.parametrize("turned", [3, 6, 8])
def test_a_photo_turned_by_exif_is_classified_as_the_upright_one(
    predictor: Running, turned: int
) -> None:
    upright = make_picture(160, 120)
    back = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90}
    stored = upright.transpose(back.get(turned, Image.Transpose.ROTATE_270))
    exif = Image.Exif()
    exif[0x0112] = turned

    plain = predictor.predict(encoded(upright, "PNG")).json()
    rotated = predictor.predict(encoded(stored, "PNG", exif=exif.tobytes())).json()

    assert rotated["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-3)
    assert rotated["verdict"] == plain["verdict"]


def test_wrong_requests(predictor: Running) -> None:
    photo, post = make_photo(), predictor.http.post
    url = "/v1/predictions"
    cases = {
        "wrong type": (post(url, content=photo, headers={"content-type": "text/plain"}), 415),
        "no type": (post(url, content=photo), 415),
        "JSON": (post(url, json={"file": "x"}), 415),
        "no boundary": (
            post(url, content=b"x", headers={"content-type": "multipart/form-data"}),
            400,
        ),
        "broken multipart": (
            post(
                url,
                content=b"--b\r\nnonsense\r\n",
                headers={"content-type": "multipart/form-data; boundary=b"},
            ),
            400,
        ),
        "another field": (post(url, files={"photo": ("a.jpg", photo)}), 422),
        "1,000 parts": (post(url, files=[("file", ("a", photo))] * 1_000), 422),
        "1,000 fields": (
            post(url, data={f"f{i}": "x" for i in range(1_000)}, files={"file": photo}),
            413,
        ),
        "method": (predictor.http.delete(url), 405),
        "path": (predictor.http.get("/nowhere"), 404),
        "id": (predictor.http.get(f"{url}/nonsense"), 422),
        "unknown id": (predictor.http.get(f"{url}/ffffffff-ffff-7fff-bfff-ffffffffffff"), 404),
        "deadline": (predictor.predict(photo, **{"x-deadline-seconds": "-1"}), 422),
    }
    for name, (answer, status) in cases.items():
        assert answer.status_code == status, (name, answer.text)
        assert answer.headers["content-type"] == MEDIA_TYPE, name
        assert answer.json()["status"] == status
    (entry,) = cases["id"][0].json()["errors"]
    assert (entry["field"], entry["where"]) == ("path.prediction_id", "path/prediction_id")
    assert entry["message"] == entry["what"]
    assert predictor.predict(photo).status_code == 200


TRICKS = [
    "../../../../etc/passwd",
    "..\\..\\windows\\system32\\x.jpg",
    "/dev/null",
    "a\x00.jpg",
    "CON",
    "x" * 3_000,
    "\u202egpj.exe",
    "file:///etc/passwd",
    "'; DROP TABLE predictions; --",
]


def test_names_of_files_lead_nowhere(predictor: Running, settings: Settings) -> None:
    before = set(Path(settings.storage.url).rglob("*"))
    for name in TRICKS:
        answer = predictor.http.post("/v1/predictions", files={"file": (name, make_photo())})
        assert answer.status_code == 200, (name, answer.text)
        assert name not in answer.text
    assert set(Path(settings.storage.url).rglob("*")) == before


def posted(running: Running, disposition: bytes) -> httpx.Response:
    body = b"\r\n".join(
        (b"--b", b"Content-Disposition: " + disposition, b"", make_photo(), b"--b--", b"")
    )
    kind = {"content-type": "multipart/form-data; boundary=b"}
    return running.http.post("/v1/predictions", content=body, headers=kind)


NAMED = {
    "Latin-1": 'filename="Gr\u00fcnling.jpg"'.encode("latin-1"),
    "Shift-JIS, a backslash last": 'filename="\u8868"'.encode("shift-jis"),
    "GB18030": 'filename="\u8611\u83c7.jpg"'.encode("gb18030"),
    "UTF-16": b"filename=" + '"\u8611"'.encode("utf-16"),
    "extended, no UTF-8": b"filename*=UTF-8''%ff%fe.jpg",
    "extended, of no charset": b"filename*=klingon''x.jpg",
    "extended, raw bytes": b"filename*=\xff\xfe",
    "both": b"filename=\"\xe4.jpg\"; filename*=UTF-8''%C3%A4.jpg",
    "not quoted": b"filename=pilz\xe4.jpg",
    "quotes within": b'filename="a"b\xe4"c.jpg"',
    "not closed": b'filename="\xe4.jpg',
    "every byte but line breaks": b'filename="' + bytes(set(range(256)) - {10, 13}) + b'"',
    "a line break": b'filename="a\nb.jpg"',
    "long": b'filename="' + b"%E8" * 3_000 + b'"',
}


# Broken so that nothing behind such a name can be read.
LAST = {"not closed", "quotes within", "every byte but line breaks"}


def test_no_byte_of_a_file_name_refuses_a_photo(predictor: Running) -> None:
    for name, written in NAMED.items():
        dispositions = [b'form-data; name="file"; ' + written]
        if name not in LAST:
            dispositions.append(b"form-data; " + written + b'; name="file"')
        for disposition in dispositions:
            answer = posted(predictor, disposition)
            assert answer.status_code == 200, (name, disposition[:200], answer.text)


PYTHON = re.compile(
    r"Error\b|Traceback|object at 0x|codec|\bPIL\b|Plugin|_io\.|errno", re.IGNORECASE
)


def test_no_problem_speaks_python(predictor: Running) -> None:
    bodies = [b'form-data; name="file"\xff: \xe4', b"\xff\xfe", b'form-data; name="\xe4"', b""]
    answers = [posted(predictor, body) for body in bodies]
    answers += [predictor.predict(photo) for photo, _, _ in BAD.values()]
    answers += [
        predictor.http.post(
            "/v1/predictions",
            content=body,
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        for body in (
            b"--b\r\n\xff\xfe: x\r\n\r\n",
            b"--b\r\nContent-Length: \xb2\r\n\r\n--b--",
            b"\xff",
        )
    ]
    for answer in answers:
        if answer.status_code == 200:
            continue
        assert not PYTHON.search(answer.json()["detail"]), answer.text


def test_two_files_in_one_field_are_two_photos_of_one_specimen(predictor: Running) -> None:
    files = [("file", (f"{seed}.jpg", make_photo(seed=seed))) for seed in range(2)]
    answer = predictor.http.post("/v1/predictions", files=files)
    assert (answer.status_code, answer.json()["photos"]) == (200, 2)


def test_of_a_polyglot_only_the_photo_is_read(
    predictor: Running, serve: Serve, settings: Settings
) -> None:
    keeping = settings.storage.model_copy(update={"keep_photos": True})
    keeper = serve(settings.model_copy(update={"storage": keeping}))
    evil = b"<script>alert(1)</script><?php system($_GET[0]); ?>"
    commented = make_photo(comment=evil) + evil + b"PK\x05\x06" + bytes(18)

    answer = keeper.predict(commented)

    assert answer.status_code == 200, answer.text
    assert b"script" not in answer.content
    kept = [path for path in Path(settings.storage.url).rglob("*") if path.is_file()]
    assert any(path.read_bytes().startswith(b"\xff\xd8") for path in kept)
    assert not any(b"script" in path.read_bytes() for path in kept)
    script = b"GIF89a/*" + bytes(60) + b"*/=1;alert(1)"
    assert predictor.predict(script).status_code in {413, 422}
    assert predictor.predict(b"MZ" + make_photo()).status_code == 422


def test_200_megabytes_are_refused_while_they_stream(predictor: Running) -> None:
    start = (
        b"POST /v1/predictions HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\n"
        b"Transfer-Encoding: chunked\r\nAuthorization: Bearer " + predictor.key.encode() + b"\r\n"
    )
    megabyte = b"%x\r\n%b\r\n" % (1_000_000, bytes(1_000_000))
    heard = raw(predictor.url, start + b"\r\n" + megabyte * 21)  # and the body goes on
    assert heard.startswith(b"HTTP/1.1 413"), heard[:200]


def raw(url: str, data: bytes) -> bytes:
    """What the server says to bytes on a socket, until it closes or pauses."""
    place = urlsplit(url)
    with socket.create_connection((place.hostname, place.port), timeout=60) as connection:
        connection.sendall(data)
        heard = io.BytesIO()
        while chunk := _received(connection):
            heard.write(chunk)
            if b"\r\n\r\n" in heard.getvalue():
                break
        return heard.getvalue()


def _received(connection: socket.socket) -> bytes:
    try:
        return connection.recv(65_536)
    except ConnectionResetError:
        return b""


def test_header_bombs_and_lies_about_length_end_in_400_or_413(predictor: Running) -> None:
    authorized = f"Authorization: Bearer {predictor.key}\r\n".encode()
    start = b"POST /v1/predictions HTTP/1.1\r\nHost: x\r\n" + authorized
    bombs = b"".join(b"X-%d: %s\r\n" % (i, b"a" * 4_000) for i in range(40))
    heard = raw(predictor.url, start + bombs)
    assert heard == b"" or heard.startswith(b"HTTP/1.1 400"), heard
    announced = start + b"Content-Type: image/jpeg\r\nContent-Length: 200000000\r\n\r\n"
    assert raw(predictor.url, announced + bytes(10)).startswith(b"HTTP/1.1 413")
    many = start + b"".join(b"X-%d: 1\r\n" % i for i in range(200)) + b"\r\n"
    assert raw(predictor.url, many).startswith(b"HTTP/1.1 400")
    double = start + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"
    assert raw(predictor.url, double).startswith(b"HTTP/1.1 4")
    assert predictor.predict(make_photo()).status_code == 200
