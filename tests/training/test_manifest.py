"""manifest.csv as spreadsheet programs save it."""

import re
from pathlib import Path

import pytest

from mycovigil_training.dataset.layout import UnknownLayout, listed
from mycovigil_training.dataset.species import normalised

ROWS = "path{0}species{0}safety_class\na/1.jpg{0}Amanita phalloïdes{0}Deadly\n"


def put(folder: Path, data: bytes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.csv").write_bytes(data)
    return folder


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_way_of_saving_is_read(tmp_path: Path, separator: str, encoding: str) -> None:
    text = ROWS.format(separator).replace("\n", "\r\n")
    (photo,) = listed(put(tmp_path, text.encode(encoding))).photos
    assert (photo.species, photo.safety_class) == ("amanita phalloïdes", "deadly")
    assert photo.path == tmp_path / "a/1.jpg"


def test_columns_in_any_case_and_order_blank_rows_and_backslashes(tmp_path: Path) -> None:
    text = "Safety_Class; Path ;SPECIES;notes\nedible;a\\1.jpg;B c;x\n;;;\n\n"
    (photo,) = listed(put(tmp_path, text.encode())).photos
    assert (photo.path, photo.line) == (tmp_path / "a/1.jpg", 2)


def test_a_line_that_names_the_separator_and_empty_cells_at_the_end(tmp_path: Path) -> None:
    text = "sep=;\r\npath;species;safety_class\r\na/1.jpg;B, c;edible;;\r\n"
    (photo,) = listed(put(tmp_path, text.encode("utf-8-sig"))).photos
    assert (photo.species, photo.path, photo.line) == (normalised("B, c"), tmp_path / "a/1.jpg", 3)


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x.jpg,a b", "line 3: no cell for safety_class"),
        ("x.jpg,a b,tasty", "line 3: 'tasty' is no safety class"),
        (",a b,edible", "line 3: no path"),
        ("x.jpg,a, b,edible", "line 3: more cells than columns"),
    ],
)
def test_a_row_that_cannot_be_read_is_named(tmp_path: Path, row: str, why: str) -> None:
    text = f"path,species,safety_class\ny.jpg,a b,edible\n{row}\n"
    with pytest.raises(UnknownLayout, match=re.escape(why)):
        listed(put(tmp_path, text.encode()))


def test_many_bad_rows_are_counted(tmp_path: Path) -> None:
    text = "path,species,safety_class\n" + "x.jpg,a,tasty\n" * 9
    with pytest.raises(UnknownLayout, match=r"line 6: .* and 4 more"):
        listed(put(tmp_path, text.encode()))


def test_hidden_folders_are_no_species(tmp_path: Path) -> None:
    for place in ("A_b/1.jpg", ".ipynb_checkpoints/1.jpg", "__MACOSX/._1.jpg", "A_b/.DS_Store"):
        path = tmp_path / "Classes/edible" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = listed(tmp_path)
    assert [photo.species for photo in found.photos] == ["a b"]
    assert found.ignored == 3


@pytest.mark.parametrize(
    "name",
    [
        "Amanita phalloides, var. alba",
        "amanita_phalloides_var_alba",
        "Amanita  phalloides var. alba (Vaill. ex Fr.) Link",
        "Amanita phalloides “var. alba”",
        "AMANITA PHALLOIDES variety alba",
    ],
)
def test_spellings_of_a_variety_are_one(name: str) -> None:
    assert normalised(name) == "amanita phalloides var. alba"
