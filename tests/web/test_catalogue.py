"""One spelling of each problem type: what both services raise is what the catalogue explains."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from mycovigil.problem import TYPE_PREFIX
from mycovigil_drift import app as drift
from mycovigil_predictor import app as predictor
from mycovigil_web.problem_catalogue import catalogue

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("shared/src", "web/src", "services/predictor/src", "services/drift/src")
# Functions that make problems, and where in their arguments status and slug are.
MAKERS: dict[str, tuple[int | None, int]] = {
    "Problem": (0, 1),
    "_refused": (0, 1),
    "conflict": (None, 0),
    "_unready": (None, 0),
}
STATUS = {"conflict": 409, "_unready": 503}


def raised() -> Iterator[tuple[str, int | None, str]]:
    """Slug and status (none if computed) of every problem in the sources, and where it is made."""
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                name = getattr(getattr(node, "func", None), "id", None)
                if isinstance(node, ast.Call) and name in MAKERS:
                    yield from _made(node, str(name), f"{path.name}:{node.lineno}")


def _made(call: ast.Call, name: str, place: str) -> Iterator[tuple[str, int | None, str]]:
    at_status, at_slug = MAKERS[name]
    slug = call.args[at_slug]
    if isinstance(slug, ast.Constant):
        given = call.args[at_status] if at_status is not None else ast.Constant(STATUS[name])
        status = given.value if isinstance(given, ast.Constant) else None
        assert status is None or isinstance(status, int)
        yield str(slug.value), status, place


def test_what_is_raised_is_in_the_catalogue_and_nothing_else_is() -> None:
    found = list(raised())
    assert len(found) > 40
    types = catalogue().types
    for slug, status, place in found:
        assert slug in types, place
        assert status is None or status in types[slug].statuses, place
    by_status = {"too-large", "method-not-allowed", "unsupported-media-type", "http-error"}
    assert {slug for slug, _, _ in found} | by_status == set(types)


def test_replaced_spellings_are_spelt_nowhere_and_lead_to_one_that_is() -> None:
    deprecated = catalogue().deprecated
    assert not deprecated.keys() & catalogue().types.keys()
    assert set(deprecated.values()) <= catalogue().types.keys()
    earlier = {**predictor.EARLIER_SLUGS, **drift.EARLIER_SLUGS}
    for slug, before in earlier.items():
        spelt = [before.format(status=status) for status in catalogue().types[slug].statuses]
        assert {deprecated[one] for one in spelt} == {slug}


@pytest.mark.parametrize("service", ["predictor", "drift"], indirect=True)
def test_the_openapi_document_names_types_of_the_catalogue(app: FastAPI) -> None:
    named = re.findall(re.escape(TYPE_PREFIX) + r"([\w-]+)", str(app.openapi()))
    assert set(named) <= catalogue().types.keys()


def test_slugs_are_lower_case_words_and_explained() -> None:
    for kind in catalogue().types.values():
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", kind.slug)
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")
        assert kind.title
