"""Traffic as a mushroom season sends it: what is in it, and why, is told in docs/load.md.

pip install -r benchmarks/requirements.txt
MYCOVIGIL_API_KEY=myco_… locust -f benchmarks/locustfile.py --host http://127.0.0.1:8000
"""

# mypy: disable-error-code="misc,untyped-decorator"
import io
import os
import random
import uuid
from pathlib import Path

import numpy as np
from locust import HttpUser, LoadTestShape, between, task
from PIL import Image

KEY = os.environ.get("MYCOVIGIL_API_KEY", "")
PHOTOS = os.environ.get("MYCOVIGIL_PHOTOS")
MOST_PHOTOS = 200
SIZES = ((800, 600), (1_600, 1_200), (4_000, 3_000))
SECONDS = int(os.environ.get("LOAD_SECONDS", "300"))
USERS = int(os.environ.get("LOAD_USERS", "64"))
PREDICTIONS = "/v1/predictions"


def made_photos() -> list[bytes]:
    """Where no folder is given: noise of every scale, so that it decodes as photos do."""
    chance = np.random.default_rng(20_261_122)
    photos = []
    for width, height in SIZES:
        layers = np.zeros((height, width, 3), dtype=np.float32)
        for side in (6, 48, 384):
            grain = chance.integers(0, 256, (side, side, 3), dtype=np.uint8)
            layers += np.asarray(Image.fromarray(grain).resize((width, height)), dtype=np.float32)
        stream = io.BytesIO()
        Image.fromarray((layers / 3).astype(np.uint8)).save(stream, "JPEG", quality=88)
        photos.append(stream.getvalue())
    return photos


def photos() -> list[bytes]:
    if not PHOTOS:
        return made_photos()
    paths = sorted(path for path in Path(PHOTOS).rglob("*") if path.suffix.lower() in {".jpg"})
    chosen = random.Random(20_261_122).sample(paths, min(len(paths), MOST_PHOTOS))
    return [path.read_bytes() for path in chosen]


UPLOADS = photos()


class Walker(HttpUser):
    """Somebody in a forest: one photo at a time, now and then three of one specimen."""

    weight = 8
    wait_time = between(1, 4)

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {KEY}"
        self.walk = str(uuid.uuid4())
        self.last: str | None = None

    @task(8)
    def one_photo(self) -> None:
        headers = {"Content-Type": "image/jpeg", "X-Client-Session": self.walk}
        headers["Idempotency-Key"] = str(uuid.uuid4())
        answer = self.client.post(
            PREDICTIONS, data=random.choice(UPLOADS), headers=headers, name="one photo"
        )
        if answer.ok:
            self.last = answer.json()["id"]

    @task(2)
    def cap_gills_and_base(self) -> None:
        files = [("files", (f"{n}.jpg", random.choice(UPLOADS), "image/jpeg")) for n in range(3)]
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        self.client.post(PREDICTIONS, files=files, headers=headers, name="three photos")

    @task(1)
    def look_again(self) -> None:
        if self.last is not None:
            self.client.get(f"{PREDICTIONS}/{self.last}", name="look up")


class Station(HttpUser):
    """A program that empties a folder as fast as it is answered, and repeats what it doubts."""

    weight = 1
    wait_time = between(0, 0)

    def on_start(self) -> None:
        self.client.headers["Authorization"] = f"Bearer {KEY}"

    @task(20)
    def upload(self) -> None:
        self._send(random.choice(UPLOADS), str(uuid.uuid4()), "upload")

    @task(1)
    def upload_twice(self) -> None:
        key, photo = str(uuid.uuid4()), random.choice(UPLOADS)
        self._send(photo, key, "upload")
        self._send(photo, key, "the same again")

    def _send(self, photo: bytes, key: str, name: str) -> None:
        headers = {"Content-Type": "image/jpeg", "Idempotency-Key": key}
        with self.client.post(
            PREDICTIONS, data=photo, headers=headers, name=name, catch_response=True
        ) as answer:
            if answer.status_code == 429:
                answer.success()  # an honest refusal under overload is no failure


class Stranger(HttpUser):
    """What the internet sends: no key, no photo, no such page."""

    weight = 1
    wait_time = between(1, 5)

    @task
    def knock(self) -> None:
        headers = {"Content-Type": "image/jpeg", "Authorization": f"Bearer {KEY}"}
        self._expect(401, "no key", data=UPLOADS[0], headers={"Content-Type": "image/jpeg"})
        self._expect(422, "no photo", data=b"hello", headers=headers)

    def _expect(self, status: int, name: str, **request: object) -> None:
        with self.client.post(PREDICTIONS, name=name, catch_response=True, **request) as answer:
            if answer.status_code in {status, 429}:
                answer.success()
            else:
                answer.failure(f"expected {status}, got {answer.status_code}")


class Season(LoadTestShape):
    """Morning, noon, twice as many after the rain, evening: a quarter of the time each."""

    shares = (0.25, 0.5, 1.0, 0.25)

    def tick(self) -> tuple[int, float] | None:
        quarter = int(4 * self.get_run_time() / SECONDS)
        if quarter >= len(self.shares):
            return None
        users = max(3, round(USERS * self.shares[quarter]))
        return users, max(1.0, users / 5)
