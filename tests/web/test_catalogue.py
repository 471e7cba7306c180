"""One spelling of each problem type: what both services raise is what the catalogue explains."""

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from fastapi import FastAPI

from mycovigil.problem import TYPE_PREFIX
from mycovigil_drift import app as drift
from mycovigil_predictor import app as predictor
from mycovigil_web.problem_catalogue import catalogue

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = ("shared/src", "web/src", "services/predictor/src", "services/drift/src")
# Functions whose first argument is the slug, and the status that they give it.
STATUS = {"conflict": 409, "_unready": 503}
SLUG = re.compile(r"[a-z]+(-[a-z]+)*")


def raised() -> Iterator[tuple[str, int, str]]:
    """Slug and status of every problem that the sources spell out, and where."""
    for folder in FOLDERS:
        for path in sorted((REPOSITORY / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and (found := _problem(node)):
                    yield *found, f"{path.name}:{node.lineno}"


def _problem(call: ast.Call) -> tuple[str, int] | None:
    """A call with a status and then a slug, or of a function that knows its status."""
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    constants = [one.value if isinstance(one, ast.Constant) else None for one in call.args]
    for status, slug in pairwise([STATUS.get(name), *constants]):
        if isinstance(status, int) and 400 <= status < 600 and isinstance(slug, str):
            return slug, status
    return None


def test_what_is_raised_is_in_the_catalogue_and_nothing_else_is() -> None:
    found = list(raised())
    assert len(found) > 40
    types = catalogue().types
    for slug, status, place in found:
        assert slug in types, place
        assert status in types[slug].statuses, place
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
        assert SLUG.fullmatch(kind.slug)
        assert kind.meaning.endswith(".")
        assert kind.remedy.endswith(".")
        assert kind.title
