"""A population in a triple store, asked for by the SPARQL 1.1 Protocol, some patients at a time.

https://www.w3.org/TR/sparql11-protocol/

No answer is taken to be whole because it came: each is held against a count of its rows, and the patients against the count of
all of them. ``docs/population.md`` says what is taken and what is not.
"""

from dermograph.cohort.endpoint.service import Service
from dermograph.cohort.endpoint.source import Endpoint

__all__ = ["Endpoint", "Service"]
