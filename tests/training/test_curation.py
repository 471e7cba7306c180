"""Curation: what is dropped, what is settled, and what the source folder keeps."""

import csv
import io
from pathlib import Path

import pytest
from factories.photo import encoded, make_photo, make_picture

from mycovigil_training.dataset import curated
from mycovigil_training.dataset.curation import curate
from mycovigil_training.dataset.layout import UnknownLayout
from mycovigil_training.dataset.species import class_of, normalised
from mycovigil_training.dataset.summary import summary


def put(folder: Path, place: str, data: bytes) -> Path:
    path = folder / "Classes" / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "curated"


def test_names_are_normalised() -> None:
    assert normalised("Amanita_phalloides ") == normalised("amanita  phalloides")
    assert normalised("Podostroma_cornu-damae") == "podostroma cornu-damae"
    assert class_of("Conditionally Edible") == "conditionally_edible"
    assert class_of("toxic") is None


def test_broken_photos_and_equal_bytes_are_dropped(source: Path, target: Path) -> None:
    put(source, "edible/A_b/1.jpg", make_photo(seed=1))
    put(source, "edible/A_b/2.jpg", make_photo(seed=1))
    put(source, "edible/A_b/3.jpg", make_photo(seed=2))
    put(source, "edible/A_b/4.jpg", b"not a photo")
    put(source, "edible/A_b/5.jpg", b"")
    report = curate(source, target)
    assert (report.seen, report.kept) == (5, 2)
    assert len(report.undecodable) == 2
    assert report.duplicates == [("Classes/edible/A_b/2.jpg", "Classes/edible/A_b/1.jpg")]


def test_the_same_picture_in_other_bytes_is_a_duplicate(source: Path, target: Path) -> None:
    picture = make_picture(200, 150, seed=3)
    put(source, "edible/A_b/large.png", encoded(picture, "PNG"))
    put(source, "edible/A_b/saved_again.jpg", encoded(picture, "JPEG", quality=60))
    put(source, "edible/A_b/scaled.jpg", encoded(picture.resize((120, 90)), "JPEG"))
    report = curate(source, target)
    assert report.kept == 1
    assert curated.read(target)[0].path.endswith(".png")


def test_of_a_duplicate_under_two_classes_the_dangerous_one_stays(
    source: Path, target: Path
) -> None:
    put(source, "edible/Species_a/1.jpg", make_photo(seed=1))
    put(source, "deadly/Species_b/1.jpg", make_photo(seed=1))
    curate(source, target)
    assert [photo.safety_class for photo in curated.read(target)] == ["deadly"]


def test_a_species_under_two_classes_becomes_the_more_dangerous(source: Path, target: Path) -> None:
    put(source, "edible/Hypholoma_fasciculare/1.jpg", make_photo(seed=1))
    put(source, "poisonous/hypholoma fasciculare/1.jpg", make_photo(seed=2))
    report = curate(source, target)
    assert report.two_classes == {"hypholoma fasciculare": "poisonous"}
    assert {photo.safety_class for photo in curated.read(target)} == {"poisonous"}
    assert report.photos == {"poisonous": 2}


def test_photos_without_a_safety_class_are_counted_and_listed(source: Path, target: Path) -> None:
    put(source, "edible/A_b/1.jpg", make_photo(seed=1))
    put(source, "delicious/C_d/2.jpg", make_photo(seed=2))
    put(source, ".ipynb_checkpoints/3.jpg", make_photo(seed=3))
    report = curate(source, target)
    assert (report.seen, report.kept, report.without_class) == (2, 1, 1)
    dropped = (target / "dropped.csv").read_text()
    assert "delicious/C_d/2.jpg" in dropped
    assert "without a safety class" in dropped


def test_ignored_files_are_counted_in_the_summary(source: Path, target: Path) -> None:
    put(source, "edible/A_b/1.jpg", make_photo(seed=1))
    put(source, "edible/.ipynb_checkpoints/2.jpg", make_photo(seed=2))
    curate(source, target)
    lines = list(summary(curated.report_of(target)))
    assert any(line.startswith("1 files that are no photos") for line in lines)


def test_lying_suffixes_are_mended_and_the_source_is_left_alone(source: Path, target: Path) -> None:
    original = put(source, "edible/A_b/1.png", make_photo(seed=1, kind="JPEG"))
    before = original.read_bytes()
    report = curate(source, target)
    (photo,) = curated.read(target)
    assert report.misnamed == 1
    assert photo.path.endswith(".jpg")
    assert (target / photo.path).read_bytes() == before == original.read_bytes()


def test_a_manifest_gives_groups_by_species_and_day(source: Path, target: Path) -> None:
    rows = [
        ("a.jpg", "amanita phalloides", "deadly", "2020-09-01T10:00:00"),
        ("b.jpg", "amanita phalloides", "deadly", "2020-09-01T17:00:00"),
        ("c.jpg", "amanita phalloides", "deadly", "2020-09-02T10:00:00"),
        ("d.jpg", "a lichen", "unknown", ""),
        ("e.jpg", "a dog", "not_mushroom", ""),
    ]
    source.mkdir()
    text = io.StringIO()
    csv.writer(text).writerows([("path", "species", "safety_class", "captured_at"), *rows])
    (source / "manifest.csv").write_text(text.getvalue())
    for seed, (name, *_) in enumerate(rows):
        (source / name).write_bytes(make_photo(seed=seed))
    report = curate(source, target)
    assert report.without_class == 1
    assert report.photos == {"deadly": 3, "not_mushroom": 1}
    assert report.specimens == {"deadly": 2, "not_mushroom": 1}
    assert [p.path.split("/")[0] for p in curated.read(target)][-1] == "not_mushroom"


def test_nearly_equal_pictures_are_one_specimen(source: Path, target: Path) -> None:
    picture = make_picture(300, 300, seed=5)
    put(source, "edible/A_b/1.jpg", encoded(picture, "JPEG"))
    put(source, "edible/A_b/2.jpg", encoded(picture.crop((12, 12, 290, 290)), "JPEG"))
    put(source, "edible/A_b/3.jpg", make_photo(300, 300, seed=6))
    report = curate(source, target)
    assert report.kept >= 2
    assert report.specimens == {"edible": 2}


def test_curating_again_replaces_the_first(source: Path, target: Path) -> None:
    put(source, "edible/A_b/1.jpg", make_photo(seed=1))
    curate(source, target)
    (source / "Classes/edible/A_b/1.jpg").unlink()
    put(source, "edible/A_b/2.jpg", make_photo(seed=2))
    curate(source, target)
    assert len(list(target.rglob("*.jpg"))) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda source: None, "is no folder"),
        (lambda source: source.mkdir(), "holds no photos"),
        (lambda source: put(source, "edible/A_b/1.jpg", b"broken"), "no photo that can be used"),
        (
            lambda source: (source.mkdir(), (source / "manifest.csv").write_text("path\nx.jpg\n")),
            "lacks the columns safety_class, species",
        ),
        (
            lambda source: (
                source.mkdir(),
                (source / "manifest.csv").write_text("path,species,safety_class\nx.jpg,a,tasty\n"),
            ),
            "line 2: 'tasty' is no safety class",
        ),
    ],
)
def test_what_is_no_dataset_is_refused(
    source: Path, target: Path, make: object, message: str
) -> None:
    make(source)  # type: ignore[operator]
    with pytest.raises(UnknownLayout, match=message):
        curate(source, target)


def test_a_folder_with_other_things_is_never_overwritten(source: Path, target: Path) -> None:
    put(source, "edible/A_b/1.jpg", make_photo(seed=1))
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(UnknownLayout, match="not empty"):
        curate(source, target)
    with pytest.raises(UnknownLayout, match="both"):
        curate(source, source)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_a_folder_that_was_not_curated_is_not_read(source: Path) -> None:
    source.mkdir()
    with pytest.raises(curated.NotCurated, match="mycovigil dataset curate"):
        curated.read(source)


def test_the_real_kaggle_layout(photos: Path, target: Path) -> None:
    report = curate(photos / "kaggle_subset", target)
    assert report.seen == 400
    assert report.kept >= 395
    assert report.misnamed > 100
    assert report.two_classes["hypholoma fasciculare"] == "poisonous"  # by the species table
