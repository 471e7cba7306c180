"""The folder that the simulator writes, and the command that asks for it."""

import hashlib
import logging
from pathlib import Path

import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner

from mycovigil_simulator.command import app
from mycovigil_simulator.dataset import write
from mycovigil_simulator.species import SPECIES, by_name

TWO = (by_name("boletus_edulis"), by_name("amanita_virosa"))


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*.jpg"))
    }


def test_harmful_species_may_have_more(tmp_path: Path) -> None:
    kinds = (by_name(SPECIES[0].name), by_name(SPECIES[-1].name))
    assert write(tmp_path, per_species=1, harmful=3, seed=5, size=32, species=kinds) == 4
    assert len(list((tmp_path / "Classes" / "deadly").rglob("*.jpg"))) == 3


def test_the_layout_is_kaggles(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert write(tmp_path, per_species=2, seed=1, size=32, species=TWO) == 4
    assert list(digests(tmp_path)) == [
        "Classes/deadly/amanita_virosa/00000.jpg",
        "Classes/deadly/amanita_virosa/00001.jpg",
        "Classes/edible/boletus_edulis/00000.jpg",
        "Classes/edible/boletus_edulis/00001.jpg",
    ]
    with Pillow.open(tmp_path / "Classes/edible/boletus_edulis/00001.jpg") as photo:
        assert (photo.format, photo.size, photo.mode) == ("JPEG", (32, 32), "RGB")
    assert "4 of 4 photos" in caplog.text


def test_more_photos_keep_the_first_ones(tmp_path: Path) -> None:
    write(tmp_path / "few", per_species=1, seed=5, size=32, species=TWO)
    write(tmp_path / "more", per_species=2, seed=5, size=32, species=TWO)
    write(tmp_path / "other", per_species=1, seed=6, size=32, species=TWO)
    few, more, other = (digests(tmp_path / name) for name in ("few", "more", "other"))
    assert few.items() <= more.items()
    assert not set(few.values()) & set(other.values())


def test_workers_do_not_change_the_photos(tmp_path: Path) -> None:
    write(tmp_path / "one", per_species=1, seed=5, size=32, species=TWO)
    write(tmp_path / "two", per_species=1, seed=5, size=32, species=TWO, workers=2)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_species"):
        write(tmp_path, per_species=0, seed=1, size=32)


def test_the_command_writes_every_species(tmp_path: Path) -> None:
    asked = [str(tmp_path), "--per-species", "1", "--seed", "3", "--size", "16"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    assert f"{len(SPECIES)} simulated photos" in result.output
    folders = {(path.parent.parent.name, path.parent.name) for path in tmp_path.rglob("*.jpg")}
    assert folders == {(species.safety_class, species.name) for species in SPECIES}
