"""``mycovigil send``: every photo once, whatever is between them and whenever it is interrupted."""

import csv
import os
from pathlib import Path

from factories.photo import make_photo
from factories.predictor import Running
from typer.testing import CliRunner

from mycovigil_local.commands.send import CSV, app


def test_a_folder_is_sent_once_and_goes_on_where_it_was(predictor: Running, tmp_path: Path) -> None:
    folder, out = tmp_path / "photos", tmp_path / "answers.csv"
    folder.mkdir()
    bad = folder / "bad.jpg"
    bad.write_bytes(b"no photo")

    def send() -> str:
        given = ["--url", predictor.url, "--api-key", predictor.key, "--out", str(out)]
        return CliRunner().invoke(app, [str(folder), *given]).output

    assert "0 answered, 1 refused, 0 done before" in send()
    (folder / os.fsdecode(b"pilz-\xe4.jpg")).write_bytes(make_photo())
    assert "1 answered, 1 refused, 0 done before" in send()
    bad.unlink()
    assert "0 answered, 0 refused, 1 done before" in send()
    with out.open(**CSV) as stream:
        rows = list(csv.DictReader(stream))
    assert [bool(row["id"]) for row in rows].count(True) == 1
    assert len(rows) == 3
