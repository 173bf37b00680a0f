"""What a store is asked. Names of patients are put into a question as IRIs that were looked at, so that none can say more."""

from __future__ import annotations

from collections.abc import Iterable

import pyoxigraph as ox

from dermograph.cohort import descriptor
from dermograph.cohort.rdf.words import ABSENT, CAUSE, OF_PATIENTS, PATIENT, RECORDS, TYPE, said_of, token

_IS = f"?patient {token(TYPE)} {token(PATIENT)}"
_WORDS = dict.fromkeys((*OF_PATIENTS, CAUSE, *(f"pt:{c}" for table in descriptor.names() for c in said_of(table))))
PATIENTS = f"SELECT (COUNT(DISTINCT ?patient) AS ?count) WHERE {{ {_IS} FILTER(isIRI(?patient)) }}"
"""How many patients have an IRI."""
BLANK = f"SELECT (COUNT(DISTINCT ?patient) AS ?count) WHERE {{ {_IS} FILTER(isBlank(?patient)) }}"
"""How many patients are blank nodes, which no second question can name."""


def names(after: str, most: int) -> str:
    """Names of the next patients, in the order of the store.

    :param after: the last one before them.
    """
    later = f" FILTER(STR(?patient) > {ox.Literal(after)})" if after else ""
    return f"SELECT DISTINCT (STR(?patient) AS ?name) WHERE {{ {_IS} FILTER(isIRI(?patient)){later} }} ORDER BY ?name LIMIT {most}"


def said(patients: Iterable[str]) -> str:
    """What is said of patients, of their records, and of the causes that a record names."""
    return f"SELECT ?patient ?record ?cause ?property ?value WHERE {{ {_said(patients)} }}"


def said_count(patients: Iterable[str]) -> str:
    """How many solutions there are of that."""
    return f"SELECT (COUNT(*) AS ?count) WHERE {{ {_said(patients)} }}"


def _said(patients: Iterable[str]) -> str:
    """Each branch names the patients, since not every store carries them into it.

    What is absent is a class; where it is a node by mistake, the refusal tells what this one says.
    """
    asked = f"VALUES ?patient {{ {' '.join(str(ox.NamedNode(name)) for name in patients)} }}"
    record = f"{_one_of('link', (*RECORDS, ABSENT))} ?patient ?link ?record ."
    return (
        f"{{ {asked} ?patient ?property ?value }} UNION {{ {asked} {record} ?record ?property ?value }} "
        f"UNION {{ {asked} {record} ?record {token(CAUSE)} ?cause . ?cause ?property ?value }}"
    )


def astray_count() -> str:
    """How many nodes use the words of a patient graph and hang off nobody."""
    return f"SELECT (COUNT(DISTINCT ?node) AS ?count) WHERE {{ {_astray()} }}"


def astray(most: int) -> str:
    """The first of them that have an IRI."""
    return f"SELECT DISTINCT (STR(?node) AS ?name) WHERE {{ {_astray()} FILTER(isIRI(?node)) }} ORDER BY ?name LIMIT {most}"


def _astray() -> str:
    """A filter for each link: Virtuoso is fifty times as quick with these as with one that lists the links."""
    others = (f"{token(TYPE)} {token(PATIENT)}", *(f"^{token(link)} ?above" for link in (*RECORDS, CAUSE)))
    return f"{_one_of('property', _WORDS)} ?node ?property ?value {' '.join(f'FILTER NOT EXISTS {{ ?node {other} }}' for other in others)}"


def _one_of(variable: str, properties: Iterable[str]) -> str:
    return f"VALUES ?{variable} {{ {' '.join(map(token, properties))} }}"
