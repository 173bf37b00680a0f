"""The pages: a patient, the guidelines, two therapies compared, and queries. What is asked of a patient goes to the JSON API."""

from __future__ import annotations

import asyncio
import mimetypes
from importlib.resources import files
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from dermograph import content, questions
from dermograph.errors import UsageError
from dermograph.explanation import find_therapy
from dermograph.service import media, words
from dermograph.service.guide import Guide
from dermograph.service.problems import MEDIA, PROBLEM, problem
from dermograph.service.state import response

KINDS = {".js": "text/javascript", ".css": "text/css", ".html": "text/html", ".ttl": "text/turtle", ".txt": "text/plain"}
NO_STORE = {"Cache-Control": "no-cache"}
router = APIRouter()


class Absent(HTTPException):
    """What was asked for is not there.

    :param mend: where to look instead.
    """

    def __init__(self, detail: str, mend: str = "") -> None:
        super().__init__(404, detail)
        self.mend = mend


async def absent(request: Request, error: Exception) -> Response:
    """Tell a reader on a page that something is not there, and a program in a problem document."""
    told = error if isinstance(error, Absent) else Absent("there is nothing at this address", "search, or begin at /")
    if media.chosen(request.headers.get("accept", ""), (MEDIA, "text/html")) != "text/html":
        return response(problem(404, told.detail, told.mend))
    root = "../" * (request.scope["raw_path"].count(b"/") - 1) + "guidelines/"
    text = await asyncio.to_thread(guide(request).absent, root, told.detail, told.mend)
    return HTMLResponse(text, 404, {"Cache-Control": "no-store"})


def _named(kind: str) -> dict[int | str, dict[str, Any]]:
    """Answers of a route that gives a file by its name."""
    return {200: {"description": "The file", "content": {kind: {}}}, 404: PROBLEM}


def guide(request: Request) -> Guide:
    """What the pages are made of."""
    found: Guide = request.app.state.guide
    return found


Told = Annotated[Guide, Depends(guide)]
Name = Annotated[str, Query(max_length=200, description="Therapy by name or label.")]


@router.get("/", response_class=HTMLResponse, include_in_schema=False)
async def patient(told: Told) -> HTMLResponse:
    """The page of a patient."""
    return await _page(told, "patient.html", "Patient", "Patient", examples=[(p.stem, p.stem.replace("-", " ").capitalize()) for p in _examples()])


@router.get("/query", response_class=HTMLResponse, include_in_schema=False)
async def query(told: Told) -> HTMLResponse:
    """The page of queries."""
    return await _page(told, "query.html", "Query", "Query", questions=questions.names())


@router.get("/compare", response_class=HTMLResponse, include_in_schema=False)
async def compare(told: Told, first: Name = "", second: Name = "") -> Response:
    """The page of two therapies side by side, and without one of the guidelines."""
    rows = (await asyncio.to_thread(lambda: told.material)).tree["rows"]
    tree = {"rows": rows}
    try:
        names = [find_therapy(tree, name) if name else "" for name in (first, second)]
    except UsageError as error:
        raise Absent(error.message, error.hint) from error
    chosen = {name: rows[name]["label"] for name in names if name}
    compared = await asyncio.to_thread(told.comparison, list(chosen))
    choices = sorted(((t, row["label"]) for t, row in rows.items()), key=lambda pair: pair[1].lower())
    title = " and ".join(chosen.values()) or "The guidelines compared"
    return await _page(told, "compare.html", "Compare", title, names=names, chosen=chosen, choices=choices, compared=compared)


@router.get("/go", include_in_schema=False)
async def go(told: Told, iri: Annotated[str, Query(max_length=200)]) -> Response:
    """Lead to where a node of the graph is told."""
    found = await asyncio.to_thread(told.address, iri)
    if found is None:
        raise Absent("nothing is told of that name", "search the guidelines")
    return RedirectResponse(f"guidelines/{found}", 303)


@router.get("/guidelines", include_in_schema=False)
async def guidelines() -> Response:
    """Lead to the site."""
    return RedirectResponse("guidelines/", 303)


@router.get("/guidelines/{path:path}", include_in_schema=False)
async def guideline(told: Told, path: str) -> Response:
    """A file of the site; its looks are there before the site is made."""
    asset = files("dermograph.workbench.site").joinpath("assets", path)
    if path.endswith((".js", ".css")) and "/" not in path and asset.is_file():
        return Response(asset.read_bytes(), media_type=_kind(path), headers=NO_STORE)
    found = await asyncio.to_thread(told.file, path) if "\0" not in path else None
    if found is None:
        raise Absent("the site has no such page", "begin at /guidelines/")
    return FileResponse(found, media_type=_kind(found.name), headers=NO_STORE)


@router.get("/web/{path:path}", include_in_schema=False)
async def asset(path: str) -> Response:
    """A script or style of the pages."""
    known = {file.name: file for folder in ("web", "web/vendor") for file in files("dermograph.service").joinpath(folder).iterdir()}
    found = known.get(path.rpartition("/")[2])
    if found is None or not path.endswith((".js", ".css")):
        raise Absent("there is no such file")
    return Response(found.read_bytes(), media_type=_kind(path), headers=NO_STORE)


@router.get("/api/words", tags=["words"])
async def form(told: Told) -> dict[str, Any]:
    """Classes, properties and values that a patient is told with, from the ontology."""
    return await asyncio.to_thread(lambda: words.words(told.material))


@router.get("/api/questions/{name}", tags=["words"], response_class=Response, responses=_named("application/sparql-query"))
async def question(name: str) -> Response:
    """A competency question as SPARQL."""
    try:
        return Response(questions.text(name), media_type="application/sparql-query")
    except UsageError as error:
        raise Absent(error.message, error.hint) from error


@router.get("/api/examples/{name}", tags=["words"], response_class=Response, responses=_named("text/turtle"))
async def example(name: str) -> Response:
    """A made-up patient to try things on."""
    found = {path.stem: path for path in _examples()}.get(name)
    if found is None:
        raise Absent("there is no such example")
    return Response(found.read_bytes(), media_type="text/turtle")


def _examples() -> list[Any]:
    return sorted((content.folder("docs") / "examples").glob("*.ttl"))


def _kind(name: str) -> str:
    ending = f".{name.rpartition('.')[2]}"
    return KINDS.get(ending) or mimetypes.guess_type(name)[0] or "application/octet-stream"


async def _page(told: Guide, template: str, here: str, title: str, **more: Any) -> HTMLResponse:
    return HTMLResponse(await asyncio.to_thread(lambda: told.page(template, here, title, **more)), headers=NO_STORE)
