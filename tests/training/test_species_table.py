"""The species table: names, classes with sources, kinds, and what people write into their own."""

from pathlib import Path

import pytest
from factories.photo import make_photo

from mycovigil_training.dataset.classes.species_table import BadSpeciesTable, read_table
from mycovigil_training.dataset.curation import CurationOptions, curate

HEAD = "name,synonyms,safety_class,kind,source,note\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for number, place in enumerate(
        [
            "edible/Galerina_autumnalis",
            "poisonous/Galerina_marginata",
            "edible/Xanthoria_parietina",
            "conditionally_edible/Fomes_fomentarius",
            "edible/Novum_ignotum",
            "poisonous/Novum_ignotum",
        ]
    ):
        path = tmp_path / "source/Classes" / place / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(make_photo(seed=number))
    return tmp_path / "source"


def test_synonyms_are_one_species_in_the_tables_class(source: Path, tmp_path: Path) -> None:
    report = curate(source, tmp_path / "curated")
    assert report.renamed == {"galerina autumnalis": "galerina marginata"}
    conflicts = {one.species: one for one in report.conflicts}
    assert conflicts["galerina marginata"].found == {"poisonous": 1, "edible": 1}
    assert conflicts["galerina marginata"].settled == "deadly"
    assert conflicts["galerina marginata"].source == "white2019"
    assert conflicts["novum ignotum"].settled == "poisonous"
    assert "no row" in conflicts["novum ignotum"].source


def test_a_packaged_row_makes_no_species_less_dangerous_than_the_data_set(tmp_path: Path) -> None:
    path = tmp_path / "source/Classes/poisonous/Boletus_edulis/1.jpg"
    path.parent.mkdir(parents=True)
    path.write_bytes(make_photo(seed=1))
    report = curate(tmp_path / "source", tmp_path / "curated")
    assert report.two_classes == {"boletus edulis": "poisonous"}
    own = tmp_path / "own.csv"
    own.write_text(HEAD + "Boletus edulis,,edible,mushroom,our expert,\n")
    report = curate(tmp_path / "source", tmp_path / "own", CurationOptions(species=own))
    assert report.photos == {"edible": 1}


def test_kinds_are_left_out_by_policy(source: Path, tmp_path: Path) -> None:
    assert curate(source, tmp_path / "all").kinds == {"lichen": 1, "bracket": 1}
    report = curate(source, tmp_path / "fewer", CurationOptions(leave_out=("lichen", "bracket")))
    assert report.left_out == {"lichen": 1, "bracket": 1}
    assert report.kept == 4


def test_rows_of_ones_own_replace_packaged_ones(source: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.csv"
    own.write_text(HEAD + "Novum ignotum,,edible,mushroom,our expert,\n", encoding="utf-8-sig")
    report = curate(source, tmp_path / "curated", CurationOptions(species=own))
    assert report.two_classes["novum ignotum"] == "edible"
    assert report.two_classes["galerina marginata"] == "deadly"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("a b,,tasty,mushroom,x,", "'tasty' is none of"),
        ("a b,,edible,plant,x,", "'plant' is none of"),
        ("a b,,edible,mushroom,,", "a safety class needs a source"),
        (",,edible,mushroom,x,", "a row without a name"),
        ("a b,c d,,mushroom,,\ng h,c d,,mushroom,,", "'c d' stands for both 'a b' and 'g h'"),
    ],
)
def test_a_row_that_is_no_species_is_named(tmp_path: Path, row: str, why: str) -> None:
    own = tmp_path / "own.csv"
    own.write_text(HEAD + row + "\n")
    with pytest.raises(BadSpeciesTable, match=why):
        read_table(own)


def test_every_packaged_class_has_a_source_and_varieties_follow_their_species() -> None:
    table = read_table()
    assert all(row.source for row in table.rows)
    found = table.find("amanita phalloides var. alba")
    assert found is not None
    assert found.safety_class == "deadly"
