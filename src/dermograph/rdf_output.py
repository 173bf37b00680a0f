"""Answers as RDF: a verdict for each therapy, with PROV-O links to the criteria, facts and statements that made it.

The words are those of ``ontology/core/verdict.ttl``, and ``ontology/shapes/verdict.ttl`` says what must be there. The
links are those of https://www.w3.org/TR/prov-o/. A patient without an IRI is named by the digest of the input, so that
the same input gives the same triples. Of a reason the answer gives the public kind only: where two kinds share one word,
the plainer of them is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

import pyoxigraph as ox

from dermograph.amounts import Amount
from dermograph.assessment import Assessment, Conflict, FactUsed, Item, Reason, Regimen, TherapyVerdict, WouldChange
from dermograph.formatting import canonical
from dermograph.terms import PREFIXES, expand

Node = ox.NamedNode | ox.BlankNode
Value = Node | ox.Literal | str | Decimal | bool | int | None
_ADVICE = {"cautions": "dg:hasCaution", "screening": "dg:hasScreening", "baseline": "dg:hasBaselineTest", "monitoring": "dg:hasMonitoring"}
_AMOUNTS = {
    "loading": "dg:loading", "dose": "dg:dose", "per_kg": "dg:perKilogram", "every": "dg:every", "frequency": "dg:frequency",
    "maximum": "dg:maximum", "duration": "dg:duration",
}  # fmt: skip
_WORDS = {"phase": "dg:phase", "titration": "dg:titration", "taper": "dg:taper", "text": "skos:prefLabel"}


def triples(answer: Assessment) -> Iterator[ox.Triple]:
    """Write an answer as triples, in a fixed order and with fixed names of blank nodes."""
    return iter(dict.fromkeys(_Sheet(answer).found))


def turtle(answers: Sequence[Assessment]) -> str:
    """Write answers as one Turtle document; equal answers give equal text."""
    return canonical("".join(f"{t} .\n" for answer in answers for t in triples(answer)), "the answers")


class _Sheet:
    """Writer of one answer.

    :param answer: what is written, at once; ``found`` holds the triples.
    """

    def __init__(self, answer: Assessment) -> None:
        self.answer = answer
        self.found: list[ox.Triple] = []
        self._count = 0
        named = not answer.patient.startswith("_:")
        self.patient = ox.NamedNode(expand(answer.patient) if named else f"urn:dermograph:patient:{answer.input.sha256}")
        self.run = self._named("assessing", answer.knowledge.sha256, answer.input.sha256, answer.as_of)
        self._assessing()
        for verdict in answer.therapies:
            self._verdict(verdict)

    # --- what was found

    def _verdict(self, verdict: TherapyVerdict) -> None:
        node = self._named("verdict", self.patient.value, self.answer.as_of, verdict.therapy)
        self._say(node, "rdf:type", _name("dg:Verdict"))
        self._say(node, "dg:ofPatient", self.patient)
        self._say(node, "dg:ofTherapy", _name(verdict.therapy))
        self._say(node, "dg:asOf", _day(self.answer.as_of))
        self._say(node, "dg:hasStatus", _name(f"dg:{verdict.status.capitalize()}"))
        self._say(node, "dg:continues", _name(f"dg:Continue{verdict.continue_.capitalize()}") if verdict.continue_ else None)
        self._say(node, "dg:rank", verdict.rank)
        self._say(node, "skos:prefLabel", verdict.label)
        self._say(node, "prov:wasGeneratedBy", self.run)
        for recommendation in verdict.recommendations:
            self._say(node, "dg:considers", _name(recommendation.id))
            self._say(node, "prov:wasDerivedFrom", _name(recommendation.id))
        for reason in verdict.because:
            self._reason(node, reason)
        for missing in verdict.missing:
            self._say(node, "dg:missing", _name(missing.fact))
        for field, predicate in _ADVICE.items():
            for item in getattr(verdict, field):
                self._advice(node, predicate, item)
        for regimen in verdict.regimens:
            self._regimen(node, regimen)
        if verdict.reassess:
            part = self._part(node, "dg:hasReassessment", "dg:Reassessment")
            self._amount(part, "dg:after", verdict.reassess.after)
            self._say(part, "dg:reassessedOn", _day(verdict.reassess.on))
            self._cite(part, verdict.reassess.statements, verdict.reassess.sources)
        for order, change in enumerate(verdict.would_change, start=1):
            self._change(node, change, order)

    def _reason(self, verdict: Node, reason: Reason) -> None:
        node = self._part(verdict, "dg:hasReason", "dg:Reason")
        self._say(node, "dg:reasonKind", _name("dg:Reason" + "".join(word.capitalize() for word in reason.kind.split("-"))))
        self._say(node, "skos:prefLabel", reason.label)
        self._say(node, "dg:usesCriterion", _name(reason.criterion) if reason.criterion else None)
        self._cite(node, reason.statements, reason.sources)
        origins: list[Node] = [*map(_name, filter(None, [reason.criterion])), *map(_statement, reason.statements)]
        origins += [*map(_name, reason.sources), *map(self._fact, reason.facts)]
        for origin in origins:
            self._say(node, "prov:wasDerivedFrom", origin)
            self._say(verdict, "prov:wasDerivedFrom", origin)

    def _fact(self, fact: FactUsed) -> Node:
        """Write a used fact under a name of its own, so that every reason that rests on it points at the same node."""
        parts = (fact.fact, fact.value, fact.unit, fact.date)
        node = self._named("fact", self.patient.value, self.answer.input.sha256, *map(str, parts))
        self._say(node, "rdf:type", _name("dg:UsedFact"))
        self._say(node, "dg:ofFact", _name(fact.fact))
        if isinstance(fact.value, str):
            named = fact.value.partition(":")[0] in PREFIXES
            self._say(node, "dg:recordedValue", _name(fact.value) if named else _day(fact.value))
        else:
            self._say(node, "dg:value", fact.value)
        self._say(node, "dg:unit", fact.unit)
        self._say(node, "dg:recordedOn", _day(fact.date))
        return node

    def _advice(self, verdict: Node, predicate: str, item: Item) -> None:
        node = self._part(verdict, predicate, "dg:Advice")
        self._say(node, "dg:notation", item.kind)
        self._say(node, "skos:prefLabel", item.label)
        self._say(node, "dg:about", _name(item.subject) if item.subject else None)
        self._amount(node, "dg:schedule", item.schedule)
        self._cite(node, item.statements, item.sources)

    def _regimen(self, verdict: Node, regimen: Regimen) -> None:
        node = self._part(verdict, "dg:hasRegimen", "dg:Regimen")
        if regimen.route:
            self._say(self._part(node, "dg:route", "dg:Route"), "dg:notation", regimen.route)
        if regimen.regulator:
            self._say(self._part(node, "dg:authority", "dg:Authority"), "skos:prefLabel", regimen.regulator)
        for field, predicate in _AMOUNTS.items():
            self._amount(node, predicate, getattr(regimen, field))
        for field, predicate in _WORDS.items():
            self._say(node, predicate, getattr(regimen, field))
        self._say(node, "dg:divided", regimen.divided)
        self._cite(node, regimen.statements, regimen.sources)

    def _change(self, verdict: Node, change: WouldChange, order: int) -> None:
        node = self._part(verdict, "dg:hasChangeSet", "dg:ChangeSet")
        self._say(node, "dg:order", order)
        self._say(node, "dg:givesStatus", _name(f"dg:{change.to.capitalize()}"))
        for one in change.if_:
            part = self._part(node, "dg:includesChange", "dg:Change")
            self._say(part, "skos:prefLabel", one.label)
            self._say(part, "dg:records", _name(one.record) if one.record else None)
            self._say(part, "dg:awaits", _name(one.happens) if one.happens else None)

    # --- the run

    def _assessing(self) -> None:
        run, answer = self.run, self.answer
        self._say(run, "rdf:type", _name("dg:Assessing"))
        self._say(run, "prov:used", self.patient)
        self._say(run, "dg:edition", answer.knowledge.version)
        self._say(run, "dg:knowledgeDigest", answer.knowledge.sha256)
        self._say(run, "dg:inputDigest", answer.input.sha256)
        for use in answer.guidelines:
            self._say(run, "prov:used", _name(use.id))
            node = self._part(run, "dg:hasGuidelineUse", "dg:GuidelineUse")
            self._say(node, "dg:guideline", _name(use.id))
            self._say(node, "dg:edition", use.version)
            self._say(node, "dg:applies", use.applies)
        for place in answer.pathway:
            node = self._part(run, "dg:hasPlace", "dg:PathwayPlace")
            self._say(node, "dg:guideline", _name(place.guideline))
            for predicate, steps in (("dg:standsAt", place.at), ("dg:goesOnTo", place.next)):
                for step in steps:
                    self._say(node, predicate, _name(step))
        for order, action in enumerate(answer.actions, start=1):
            node = self._part(run, "dg:hasNextAction", "dg:NextAction")
            self._say(node, "dg:order", order)
            self._say(node, "dg:action", _name(action.action))
            self._say(node, "skos:prefLabel", action.label)
            for therapy in action.unblocks:
                self._say(node, "dg:unblocks", _name(therapy))
            self._cite(node, action.statements, ())
        for assumption in answer.assumptions:
            self._say(run, f"dg:assumes{assumption.assumed.capitalize()}", _name(assumption.condition))
        for conflict in answer.conflicts:
            self._conflict(conflict)

    def _conflict(self, conflict: Conflict) -> None:
        node = self._part(self.run, "dg:hasConflict", "dg:Conflict")
        self._say(node, "skos:prefLabel", conflict.label)
        self._say(node, "dg:ofTherapy", _name(conflict.therapy))
        for side in conflict.between:
            part = self._part(node, "dg:position", "dg:Position")
            self._say(part, "dg:says", side.says)
            if side.source.partition(":")[0] in PREFIXES:
                self._say(part, "dg:document", _name(side.source))
            else:
                self._say(self._part(part, "dg:authority", "dg:Authority"), "skos:prefLabel", side.source)
            self._cite(part, side.statements, side.sources)

    # --- how it is written

    def _named(self, kind: str, *key: str) -> ox.NamedNode:
        return ox.NamedNode(f"urn:dermograph:{kind}:{hashlib.sha256('|'.join(key).encode()).hexdigest()}")

    def _part(self, whole: Node, predicate: str, cls: str) -> ox.BlankNode:
        self._count += 1
        node = ox.BlankNode(f"a{self.run.value[-16:]}n{self._count}")
        self._say(whole, predicate, node)
        self._say(node, "rdf:type", _name(cls))
        return node

    def _amount(self, whole: Node, predicate: str, amount: Amount | None) -> None:
        if amount:
            node = self._part(whole, predicate, "dg:Quantity")
            for end in ("value", "low", "high"):
                self._say(node, f"dg:{end}", getattr(amount, end))
            self._say(node, "dg:unit", amount.unit)

    def _cite(self, node: Node, statements: Iterable[str], sources: Iterable[str]) -> None:
        for statement in statements:
            self._say(node, "dg:statement", _statement(statement))
        for source in sources:
            self._say(node, "dg:source", _name(source))

    def _say(self, subject: Node, predicate: str, value: Value) -> None:
        if value is not None:
            self.found.append(ox.Triple(subject, _name(predicate), _term(value)))


def _name(compacted: str) -> ox.NamedNode:
    return ox.NamedNode(expand(compacted))


def _statement(identifier: str) -> ox.NamedNode:
    return _name(f"ad:{identifier}")


def _day(date: str | None) -> ox.Literal | None:
    return None if date is None else ox.Literal(date, datatype=_name("xsd:date"))


def _term(value: Value) -> Node | ox.Literal:
    match value:
        case bool():
            return ox.Literal(value)
        case int():
            return ox.Literal(str(value), datatype=_name("xsd:integer"))
        case Decimal():
            text = format(value, "f")
            return ox.Literal(text if "." in text else f"{text}.0", datatype=_name("xsd:decimal"))
        case str():
            return ox.Literal(value)
        case None:
            raise TypeError("nothing is no term")
    return value
