"""The OpenAPI document is true, and no generated request makes a server error."""

from typing import Any

import hypothesis
import pytest
import schemathesis
from factories.predictor import Running
from hypothesis import HealthCheck, settings
from schemathesis.core.result import Ok

from mycovigil_predictor.answer import Answer

METHODS = {"get", "post", "put"}


@pytest.mark.filterwarnings("ignore")
def test_generated_requests_make_no_server_error(predictor: Running) -> None:
    schema = schemathesis.openapi.from_url(f"{predictor.url}/openapi.json")
    headers = {"Authorization": f"Bearer {predictor.key}"}
    sent = 0

    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()

        @settings(
            max_examples=3,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal sent
            answer = case.call(headers=headers)
            sent += 1
            told = (case.as_curl_command(), answer.text)
            assert answer.status_code != 500, told
            if answer.status_code == 503:
                assert "retry-after" in answer.headers, told
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0] == "application/problem+json"

        send()
    assert sent > 10


def test_the_document_describes_uploads_problems_and_access(predictor: Running) -> None:
    document = predictor.http.get("/openapi.json").json()
    post = document["paths"]["/v1/predictions"]["post"]
    assert {"multipart/form-data", "image/*"} <= set(post["requestBody"]["content"])
    assert {"401", "413", "415", "429", "503"} <= set(post["responses"])
    assert post["security"]
    assert Answer.model_validate(document["components"]["schemas"]["Answer"]["example"])
    assert {operation for path in document["paths"].values() for operation in path} <= METHODS


def test_the_docs_page_needs_no_third_party(predictor: Running) -> None:
    page = predictor.http.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    for asset in ("/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css", "/static/docs.js"):
        assert predictor.http.get(asset).status_code == 200


@pytest.mark.browser
def test_the_docs_page_works_under_its_policy(predictor: Running, chromium: str) -> None:
    from playwright.sync_api import sync_playwright

    errors: list[str] = []
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.goto(f"{predictor.url}/docs")
        page.wait_for_selector(".opblock")
        browser.close()
    assert not errors
