"""``/problems``: what each problem type means and what to do, as a page or as JSON."""

from html import escape

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse

from mycovigil.problem import TYPE_PREFIX, not_found
from mycovigil_web.problem_catalogue import ProblemType, catalogue

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto }}
dt {{ font-weight: 600; margin-top: 1rem }} dd {{ margin: 0 }}
</style>
<h1>{title}</h1>
{body}
"""
router = APIRouter(include_in_schema=False)


@router.get("/problems")
async def problems(request: Request) -> Response:
    """All problem types."""
    types = catalogue().types.values()
    if not _wants_page(request):
        return JSONResponse({"problems": [_document(one) for one in types]})
    rows = "".join(
        f'<li><a href="/problems/{one.slug}">{one.slug}</a>: {escape(one.title)}</li>'
        for one in types
    )
    return _page("Problem types", f"<ul>{rows}</ul>")


@router.get("/problems/{slug}")
async def problem(request: Request, slug: str) -> Response:
    """One type; a spelling that was replaced is answered with the one that replaced it."""
    found = catalogue().find(slug)
    if found is None:
        raise not_found("problem type", slug)
    replaced = slug if slug != found.slug else None
    if _wants_page(request):
        return _page(found.title, _described(found, replaced))
    document = _document(found)
    if replaced:
        document |= {"deprecated_type": TYPE_PREFIX + replaced}
    return JSONResponse(document)


def _document(one: ProblemType) -> dict[str, object]:
    return {
        "type": one.url,
        "title": one.title,
        "statuses": list(one.statuses),
        "meaning": one.meaning,
        "remedy": one.remedy,
    }


def _described(one: ProblemType, replaced: str | None) -> str:
    note = (
        f"<p>The spelling <code>{escape(replaced)}</code> is deprecated; it is answered until the "
        f"next major version. Compare with <code>{one.slug}</code>.</p>"
        if replaced
        else ""
    )
    facts = {
        "Type": one.url,
        "Status": ", ".join(map(str, one.statuses)),
        "What it means": one.meaning,
        "What to do": one.remedy,
    }
    rows = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f'{note}<dl>{rows}</dl><p><a href="/problems">All problem types</a></p>'


def _page(title: str, body: str) -> HTMLResponse:
    page = PAGE.format(title=escape(title), body=body)
    return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})


def _wants_page(request: Request) -> bool:
    return "text/html" in request.headers.get("accept", "")
