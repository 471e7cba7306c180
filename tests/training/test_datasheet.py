"""The datasheet page, in a browser."""

import re
from pathlib import Path

from factories.photo import encoded, make_photo, make_picture
from PIL import Image
from playwright.sync_api import sync_playwright
from typer.testing import CliRunner

from mycovigil_training.commands.dataset import app
from mycovigil_training.dataset.curation import curate
from mycovigil_training.dataset.datasheet.page import write_datasheet


def test_the_page_shows_counts_photos_pairs_and_what_was_left_out(
    chromium: str, tmp_path: Path
) -> None:
    picture = make_picture(200, 150, seed=1)
    photos = {
        "edible/A_<b>/1.png": encoded(picture, "PNG"),
        "deadly/C_d/1.jpg": encoded(picture, "JPEG", quality=70),
        "deadly/C_d/2.jpg": make_photo(seed=2),
        "edible/A_<b>/3.jpg": b"broken",
    }
    for place, data in photos.items():
        path = tmp_path / "source/Classes" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    report = curate(tmp_path / "source", tmp_path / "curated")
    with sync_playwright() as playwright:
        page = playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox"]
        ).new_page()
        page.goto(write_datasheet(tmp_path / "curated").as_uri())
        text = page.inner_text("body")
        assert report.content_hash in text
        assert re.search(r"deadly\s+2\s+1\s+2", text)
        assert "the left photo was dropped" in text
        assert re.search(r"A_<b>/3.jpg\s+cannot be read", text)
        sizes = page.eval_on_selector_all("img", "all => all.map(one => one.naturalWidth)")
        assert len(sizes) == 3
        assert min(sizes) > 0


def test_a_policy_is_drawn_and_a_wrong_key_names_the_nearest(
    curated_folder: Path, tmp_path: Path
) -> None:
    picture = tmp_path / "policy.jpg"
    arguments = ["augment", str(curated_folder), "--preview", str(picture)]
    result = CliRunner().invoke(app, [*arguments, "--set", "augmentation.views=2"])
    assert result.exit_code == 0, result.output
    with Image.open(picture) as image:
        assert image.size == (3 * (128 + 4), 12 * (128 + 4))
    result = CliRunner().invoke(app, [*arguments, "--set", "augmentation.rotaton=3"])
    assert result.exit_code == 1
    assert "augmentation.rotation" in result.output
