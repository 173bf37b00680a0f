"""Words of the ontology as FHIR's datatypes: concepts with their codes, quantities, expressions and citations.

The words are code systems of their own, one for each namespace: https://hl7.org/fhir/R4/codesystem.html. Beside them
stand codes of other systems, and only those that a mapping calls the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from dermograph.amounts import Amount, number
from dermograph.fhir.terminology import ALIASES, DRUGS, Strength
from dermograph.knowledge import Knowledge
from dermograph.terms import PREFIXES, expand, local_name

Json = dict[str, Any]

BASE = "https://w3id.org/dermograph/fhir"
"""What the addresses of our resources begin with."""
_GRADES = "http://hl7.org/fhir/StructureDefinition/cqf-"
UCUM = "http://unitsofmeasure.org"
MANCHESTER = "text/owl-manchester"
"""Media type of OWL's Manchester syntax: https://www.w3.org/TR/owl2-manchester-syntax/."""
TIMES = ("s", "min", "h", "d", "wk", "mo", "a")
"""Units of time that FHIR counts periods in."""


def some(**elements: Any) -> Json:
    """An object of the elements that say something; a name that Python keeps for itself is given with a stroke behind it."""
    return {key.rstrip("_"): value for key, value in elements.items() if value is not None and value != "" and value != [] and value != {}}


def resource(kind: str, number: str, /, **elements: Any) -> Json:
    """A resource of a kind under an id, with the elements that say something."""
    return {"resourceType": kind, "id": number} | some(**elements)


def system(prefix: str) -> str:
    """The code system that the words of a namespace are."""
    return PREFIXES[prefix].rstrip("#")


def canonical(kind: str, number: str) -> str:
    """Address of a definition of ours, which names it whether or not it is served there."""
    return f"{BASE}/{kind}/{number}"


class Coder:
    """Writes the words of a knowledge as FHIR.

    :param knowledge: whose labels, mappings and sources are written.
    """

    def __init__(self, knowledge: Knowledge) -> None:
        self.tree, self.version = knowledge.tree, knowledge.version
        self._same: dict[str, list[Json]] = defaultdict(list)
        drugs: set[str] = set()
        substances: set[str] = set()
        for (name, code), matches in sorted(knowledge.terminology.meanings.items()):
            for match in matches:
                if name in DRUGS:
                    drugs.add(match.name)
                    substances |= {match.name} if match.strength is Strength.EXACT else set()
                if name in ALIASES.values() and match.strength is Strength.EXACT:
                    self._same[match.name].append({"system": name, "code": code})
        self._drugs, self._substances = frozenset(drugs), frozenset(substances)

    def label(self, name: str) -> str:
        """How something is called."""
        for part in ("guidelines", "steps", "recommendations", "rows"):
            if name in self.tree[part]:
                return str(self.tree[part][name]["label"])
        return str(self.tree["labels"].get(name, local_name(name)))

    def coding(self, name: str, display: str | None = None) -> Json:
        """A word as a code of its code system."""
        prefix = name.partition(":")[0]
        return {"system": system(prefix), "code": local_name(name), "display": display or self.label(name)}

    def codings(self, name: str) -> list[Json]:
        """A word as a code, and the codes of other systems that are the same."""
        return [self.coding(name), *self._same.get(name, ())]

    def concept(self, name: str) -> Json:
        """A word as a concept, with every code that is the same."""
        return {"coding": self.codings(name), "text": self.label(name)}

    def notation(self, kind: str, word: str) -> Json:
        """A word of an answer as a concept of the core.

        :param kind: class of the word, such as ``dg:Status``.
        """
        name, label, _ = self.tree["codes"][kind][word]
        return {"coding": [self.coding(name, label), *self._same.get(name, ())], "text": label}

    def is_drug(self, therapy: str) -> bool:
        """Whether a therapy is a medication: some code of a terminology of drugs lies near it."""
        return therapy in self._drugs

    def is_substance(self, therapy: str) -> bool:
        """Whether a therapy is one drug, and no group of which a dose would name no member."""
        return therapy in self._substances

    # --- recommendations and sources

    def recommendation(self, name: str) -> Json:
        """What a guideline recommends, with the strength and certainty that its document prints.

        FHIR R4 has its extensions for both only on an attachment.
        """
        said = self.tree["recommendations"][name]
        grades = (("strengthOfRecommendation", f"{said['strength']} ({said['scale']})"), ("qualityOfEvidence", said["certainty"]))
        rated = [{"url": f"{_GRADES}{kind}", "valueCodeableConcept": {"text": text}} for kind, text in grades if text]
        return some(
            type="justification",
            label="recommendation",
            display=f"{said['label']}: {self.notation('dg:Direction', said['direction'])['text']}",
            citation=self.where(said["statements"], said["sources"]),
            url=expand(name),
            document={"extension": rated, "title": self.label(said["guideline"])},
        )

    def where(self, statements: Iterable[str], sources: Iterable[str]) -> str:
        """The sources of a sentence, named in short on one line."""
        references = (f"{self.tree['sources'][s]['label']} <{self.tree['sources'][s]['at']}>" for s in sources)
        return "; ".join([*statements, *references])

    def citations(self, statements: Iterable[str], sources: Iterable[str] = ()) -> Iterator[Json]:
        """The sources of something, in full, each once and in order."""
        for one in dict.fromkeys(statements):
            document, section = self.tree["sections"][one]
            where = f"{self.label(document)}, section {section}, statement {one}"
            yield some(
                type="citation",
                label=one,
                display=self.tree["statements"][one],
                citation=where,
                url=expand(f"ad:{one}"),
                resource=canonical("PlanDefinition", local_name(document)),
            )
        for one in dict.fromkeys(sources):
            said = self.tree["sources"][one]
            yield some(type="citation", label=local_name(one), display=said["label"], citation=f"{said['label']} ({said['kind']})", url=said["at"])


# --- datatypes


def quantity(value: Any, unit: str) -> Json:
    """A number in a UCUM unit."""
    return {"value": number(value), "unit": unit, "system": UCUM, "code": unit}


def amount(name: str, given: Amount) -> Json:
    """An amount as the element of a quantity or of a range, whose name begins as given."""
    if given.value is not None:
        return {f"{name}Quantity": quantity(given.value, given.unit)}
    ends = {end: quantity(value, given.unit) for end in ("low", "high") if (value := getattr(given, end)) is not None}
    return {f"{name}Range": ends}


def truth(known: bool | None, why: str) -> Json:
    """What is known of a condition, as FHIRPath: true, false, or the empty collection, which is neither."""
    return {"language": "text/fhirpath", "expression": {True: "true", False: "false", None: "{}"}[known], "description": why}


def criterion(tree: Json, name: str, holds: bool = True) -> Json:
    """A criterion, or that it does not hold, as FHIRPath: a variable of its name, whose truth whoever evaluates it supplies.

    FHIRPath has the same three truths: of what is empty the negation is empty.
    """
    variable, label = f"%{local_name(name)}", tree["criteria"][name]["label"]
    return {
        "description": label if holds else f"not: {label}",
        "language": "text/fhirpath",
        "expression": variable if holds else f"{variable}.not()",
        "reference": expand(name),
    }
