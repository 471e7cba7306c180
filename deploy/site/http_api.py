"""The reference of both services over HTTP: from their OpenAPI documents and the problem types."""

from typing import Any

from fastapi import FastAPI

from mycovigil.settings import Settings
from mycovigil_web.problem_catalogue import catalogue


def applications() -> dict[str, FastAPI]:
    import mycovigil_drift.app
    import mycovigil_predictor.app

    settings = Settings()
    return {
        "Predictor": mycovigil_predictor.app.create_app(settings),
        "Drift API": mycovigil_drift.app.create_app(settings),
    }


def page() -> str:
    """One page of all operations, and of all problems."""
    parts = [
        "# HTTP API\n\nWritten from the code by `make docs`. Both services serve the OpenAPI "
        "document at `/openapi.json` and a page to try it at `/docs`, which needs no network.\n"
    ]
    for name, app in applications().items():
        parts.append(f"## {name}\n")
        for path, operations in app.openapi()["paths"].items():
            parts += [operation(path, method, one) for method, one in operations.items()]
    return "\n".join([*parts, problems()])


def operation(path: str, method: str, one: dict[str, Any]) -> str:
    text = one.get("description") or one.get("summary", "")
    parts = [f"### `{method.upper()} {path}`\n\n{text.strip()}\n"]
    if rows := [parameter(given) for given in one.get("parameters", [])]:
        parts.append("| parameter | in | type | |\n|---|---|---|---|\n" + "\n".join(rows) + "\n")
    if body := one.get("requestBody"):
        parts.append("Body: " + ", ".join(f"`{kind}`" for kind in body["content"]) + ".\n")
    parts.append(
        "Answers: " + ", ".join(answer(*found) for found in one["responses"].items()) + ".\n"
    )
    return "\n".join(parts)


def parameter(given: dict[str, Any]) -> str:
    text = (given.get("description") or "").replace("\n", " ").replace("|", "\\|")
    return f"| `{given['name']}` | {given['in']} | {kind(given.get('schema', {}))} | {text} |"


def kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(kind(one) for one in schema["anyOf"] if one.get("type") != "null")
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    return str(schema.get("format") or schema.get("type", "any"))


def answer(status: str, one: dict[str, Any]) -> str:
    for content in one.get("content", {}).values():
        name = kind(content.get("schema", {}))
        if content.get("schema") and name not in {"any", "object", "string"}:
            return f"`{status}` {name}"
    return f"`{status}`"


def problems() -> str:
    """Every problem type."""
    rows = [
        f"| `{one.slug}` | {', '.join(map(str, one.statuses))} | {one.meaning} | {one.remedy} |"
        for one in sorted(catalogue().types.values(), key=lambda one: one.slug)
    ]
    return (
        "## Problems\n\nEvery error is a problem document (RFC 9457) with `request_id`, which the "
        "log has too. Both services explain all types at `/problems`, and one at `/problems/SLUG`, "
        "the last part of `type`. Where a spelling was replaced, the document has the earlier one "
        "as `deprecated_type`, and the page answers to both, until the next major version.\n\n"
        "| slug | status | meaning | what to do |\n|---|---|---|---|\n" + "\n".join(rows) + "\n"
    )
