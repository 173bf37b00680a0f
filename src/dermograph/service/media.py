"""Media types: what a request is written in, and what its answer should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import mimeparse

from dermograph.service.problems import Reply, problem

RDF = {
    "text/turtle": ".ttl",
    "application/n-triples": ".nt",
    "application/n-quads": ".nq",
    "application/trig": ".trig",
    "application/ld+json": ".jsonld",
    "application/rdf+xml": ".rdf",
}
"""Ending of each syntax of RDF."""
FHIR = {"application/fhir+json": ".json", "application/json": ".json", "application/fhir+ndjson": ".ndjson", "application/x-ndjson": ".ndjson"}
"""Ending of each form of FHIR."""
PATIENTS = RDF | FHIR
"""Ending of each media type in which patients may be sent."""


def bare(header: str) -> str:
    """Media type of a Content-Type without its parameters.

    >>> bare("Text/Turtle; charset=utf-8")
    'text/turtle'
    """
    return header.partition(";")[0].strip().lower()


def suffix(header: str) -> str | Reply:
    """Ending by which patients are read, or the problem."""
    found = PATIENTS.get(bare(header))
    if found is None:
        hint = "send one of " + ", ".join(PATIENTS)
        return problem(415, f"patients are not read from {bare(header) or 'a body without Content-Type'}", hint, {"Accept-Post": ", ".join(PATIENTS)})
    return found


def chosen(accept: str, offered: Sequence[str] | Mapping[str, object]) -> str | Reply:
    """The media type that suits best of those that are offered, of equals the first; or the problem."""
    order = list(offered)
    try:
        best = mimeparse.best_match(order[::-1], accept or "*/*")
    except mimeparse.MimeTypeParseException:
        return problem(400, "the header Accept is malformed", "write it as type/subtype;q=…")
    return best or problem(406, "no media type that is accepted can be given", "accept one of " + ", ".join(order))
