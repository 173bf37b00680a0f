"""A population in the OMOP Common Data Model 5.4, taken over into the tables of a population.

https://ohdsi.github.io/CommonDataModel/cdm54.html

What a row means is told by its concept, by the concepts that this one is a kind of, and by the mappings of the ontology;
how certain that is depends on the predicate of the mapping. ``docs/population.md`` says what is taken and what is not.
"""

from dermograph.cohort.omop.meaning import Meaning
from dermograph.cohort.omop.places import Files, holds_persons, is_database, place_of
from dermograph.cohort.omop.source import Omop

__all__ = ["Files", "Meaning", "Omop", "holds_persons", "is_database", "place_of"]
