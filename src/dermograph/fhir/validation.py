"""Resources held to the definitions of FHIR by the ``fhir.resources`` library, which only ``dermograph validate`` needs.

It holds them to R4B, whose definitions of the kinds that are read here are those of R4.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dermograph.errors import Finding
from dermograph.fhir.bundle import Entry

SHAPE = "FHIR R4"
_OUT_OF_PLACE = "extra_forbidden"


def breaches(entries: Iterable[Entry], patient: str) -> Iterator[Finding]:
    """What is not as FHIR has it, as warnings: what matters was read in spite of it, else the patient had been refused."""
    from fhir.resources.R4B import get_fhir_model_class
    from pydantic import ValidationError

    for entry in entries:
        try:
            get_fhir_model_class(entry.kind).model_validate(entry.element.value)
        except ValidationError as error:
            for one in error.errors(include_url=False, include_input=False, include_context=False):
                place = ".".join(map(str, one["loc"]))
                said = "no element of it" if one["type"] == _OUT_OF_PLACE else one["msg"]
                yield Finding(SHAPE, entry.name, f"{entry.name}{place and f'.{place}'}: {said}", "Warning", patient)
