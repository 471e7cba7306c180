"""The OpenAPI document is true, and no generated request makes a server error."""

from typing import Any

import hypothesis
import jsonschema
import openapi_spec_validator
import pytest
from factories.predictor import Running
from hypothesis import HealthCheck, settings

from mycovigil_predictor.api.answer import Answer

METHODS = {"get", "post", "put"}


@pytest.mark.filterwarnings("ignore")
def test_generated_requests_make_no_server_error(predictor: Running) -> None:
    import schemathesis
    from schemathesis.core.result import Ok

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


def test_the_document_is_valid_and_its_examples_too(predictor: Running) -> None:
    document = predictor.http.get("/openapi.json").json()
    openapi_spec_validator.validate(document)
    operations = [one for path in document["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert sorted(names) == ["healthz", "label", "look_up", "model", "predict", "readyz"]

    schemas = document["components"]["schemas"]
    for name in ("Answer", "LabelBody", "LabelView", "ModelFacts", "Ready"):
        reference = {"$ref": f"#/components/schemas/{name}"}
        check_example(document, reference, schemas[name]["example"])
    for operation in operations:
        for status, response in operation["responses"].items():
            for told in response["content"].values():
                assert "$ref" in told["schema"], (operation["operationId"], status)
                if int(status) >= 400:
                    check_example(document, told["schema"], told["example"])
                    assert told["example"]["status"] == int(status)
            assert (status in {"429", "503"}) == ("Retry-After" in response.get("headers", {}))


def check_example(document: dict[str, Any], schema: dict[str, Any], example: Any) -> None:
    whole = schema | {"components": document["components"]}
    jsonschema.validate(example, whole, cls=jsonschema.Draft202012Validator)


def test_the_docs_page_needs_no_third_party(predictor: Running) -> None:
    page = predictor.http.get("/docs")
    assert page.status_code == 200
    assert "http" not in page.text.replace("http-equiv", "")
    for asset in ("/swagger/swagger-ui-bundle.js", "/swagger/swagger-ui.css", "/static/docs.js"):
        assert predictor.http.get(asset).status_code == 200


@pytest.mark.browser
@pytest.mark.whole
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
