"""The client's vocabulary is the services'; it is a copy, so that the client stands alone."""

import tomllib
from pathlib import Path

import mycovigil_client
from mycovigil.models import safety

CLIENT = Path(__file__).resolve().parents[2] / "client"


def test_the_client_knows_each_word_that_the_services_use() -> None:
    for name in ("SafetyClass", "CertificateStatus", "Advice"):
        ours, theirs = getattr(mycovigil_client, name), getattr(safety, name)
        assert list(map(str, ours)) == list(map(str, theirs)), name


def test_the_client_needs_httpx_and_pydantic_alone() -> None:
    project = tomllib.loads((CLIENT / "pyproject.toml").read_text())["project"]
    names = {line.split(">")[0] for line in project["dependencies"]}
    assert names == {"httpx", "pydantic"}
