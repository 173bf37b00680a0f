"""Answers as FHIR R4: for each guideline a GuidanceResponse, and one RequestGroup of what it comes to.

The whole is a Bundle of type collection: https://hl7.org/fhir/R4/clinicalreasoning-cds-on-fhir.html. Every id is worked out
from the input and the knowledge, and every day is the one asked about, so that the same input gives the same bytes. A therapy
whose status is not known is told as such: its code is ``Undetermined`` and its condition is FHIRPath's empty collection, which
is neither true nor false.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence

from dermograph import __version__, render
from dermograph.assessment import Action, Assessment, FactUsed, GuidelineUse, Item, Missing, Reason, TherapyVerdict
from dermograph.fhir import dosing
from dermograph.fhir.bundle import MINTED
from dermograph.fhir.coding import BASE, Coder, Json, canonical, resource, some, truth
from dermograph.terms import expand, local_name

_APPLICABLE = {"eligible": True, "excluded": False, "deferred": False, "undetermined": None}
"""Whether a therapy may be had now, by its status; one that is taken has another question, whether it goes on."""
_STOP = {"yes": False, "stop": True, "review": None}
_ELEMENTS = {
    "pt:birthDate": ("Patient", "birthDate"),
    "pt:ageYears": ("Patient", "birthDate"),
    "pt:sex": ("Patient", "gender"),
    "pt:severity": ("Condition", "severity"),
    "pt:site": ("Condition", "bodySite"),
    "pt:causedBy": ("AllergyIntolerance", "code"),
}
"""Elements of resources in which words of a patient graph are recorded."""
_LOCAL = re.compile(re.escape(MINTED) + r"(?P<kind>Patient)/(?P<id>[A-Za-z0-9.-]{1,64})")
_ADDRESS = re.compile(r"https?://\S+/Patient/[A-Za-z0-9.-]{1,64}|urn:uuid:[0-9a-f-]{36}|urn:oid:[0-9.]+")
_ADVICE = ("cautions", "screening", "baseline", "monitoring")


def bundle(coder: Coder, answers: Sequence[Assessment]) -> Json:
    """Write answers as one Bundle."""
    made = [_Sheet(coder, answer) for answer in answers]
    entries = {url: {"fullUrl": url, "resource": found} for sheet in made for url, found in sheet.found.items()}
    return some(resourceType="Bundle", type="collection", entry=list(entries.values()))


def subject(patient: str, digest: str) -> Json:
    """Reference to a patient: to the resource where there is one, else by the name in the patient graph.

    :param patient: as an answer names it.
    :param digest: of the input, by which a patient without a name is named.
    """
    iri = f"urn:dermograph:patient:{digest}" if patient.startswith("_:") else expand(patient)
    if local := _LOCAL.fullmatch(iri):
        return {"reference": f"{local['kind']}/{local['id']}", "type": "Patient"}
    if _ADDRESS.fullmatch(iri):
        return {"reference": iri, "type": "Patient"}
    return {"type": "Patient", "identifier": {"system": "urn:ietf:rfc:3986", "value": iri}}


class _Sheet:
    """Writer of one answer.

    :param answer: what is written, at once; ``found`` holds the resources by their full URLs.
    """

    def __init__(self, coder: Coder, answer: Assessment) -> None:
        self.coder, self.answer, self.tree = coder, answer, coder.tree
        self.found: dict[str, Json] = {}
        self.subject = subject(answer.patient, answer.input.sha256)
        self.key = f"{answer.knowledge.sha256}|{answer.input.sha256}|{answer.patient}|{answer.as_of}"
        self.device = self._device()
        group = self._group()
        for use in answer.guidelines:
            self._response(use, group)

    def _add(self, kind: str, name: str, /, **elements: object) -> Json:
        """Add a resource, unless it is there, and give a reference to it."""
        key = f"{BASE}|{kind}|{name}" if kind == "Device" else f"{self.key}|{kind}|{name}"
        number = str(uuid.uuid5(uuid.NAMESPACE_URL, key))
        self.found[f"urn:uuid:{number}"] = resource(kind, number, **elements)
        return {"reference": f"urn:uuid:{number}", "type": kind}

    def _device(self) -> Json:
        version = self.answer.knowledge
        said = [("program", __version__), ("guidelines", version.version), ("guidelines, SHA-256", version.sha256)]
        name = [{"name": "Dermograph", "type": "user-friendly-name"}]
        return self._add(
            "Device", f"{__version__}|{version.sha256}", deviceName=name, version=[{"type": {"text": kind}, "value": value} for kind, value in said]
        )

    def _proposed(self, **elements: object) -> Json:
        """Elements of a proposal for this patient on the day asked about."""
        return {"status": "draft", "intent": "proposal"} | elements | {"subject": self.subject, "authoredOn": self.answer.as_of}

    # --- guidelines

    def _response(self, use: GuidelineUse, group: Json) -> None:
        """What a guideline says of the patient, and what it would have to know to say more."""
        spoken = [v for v in self.answer.therapies if any(r.guideline == use.id for r in v.recommendations)] if use.applies is not False else []
        missing = list(dict.fromkeys(m for v in spoken for m in v.missing))
        decides = use.applies is None or any(v.status == "undetermined" for v in spoken)
        self._add(
            "GuidanceResponse",
            use.id,
            requestIdentifier={"system": f"{BASE}/sid/input-sha256", "value": self.answer.input.sha256},
            moduleCanonical=f"{canonical('PlanDefinition', local_name(use.id))}|{use.version}",
            status=("data-required" if decides else "data-requested") if missing else "success",
            subject=self.subject,
            occurrenceDateTime=self.answer.as_of,
            performer=self.device,
            note=[{"text": text} for text in self._notes(use, missing)],
            result=group if use.applies is not False else None,
            dataRequirement=[self._requirement(m) for m in missing],
        )

    def _notes(self, use: GuidelineUse, missing: Iterable[Missing]) -> Iterator[str]:
        place = next((p for p in self.answer.pathway if p.guideline == use.id), None)
        if use.applies is False:
            yield f"{self.coder.label(use.id)}: does not speak of this patient"
        else:
            if use.applies is None:
                yield f"{self.coder.label(use.id)}: not known whether it speaks of this patient"
            if place:
                at, after = (", ".join(map(self.coder.label, steps)) or "no step" for steps in (place.at, place.next))
                yield f"{self.coder.label(use.id)}: at {at}; next {after}"
            for one in missing:
                yield f"not on record: {one.label}, which decides " + ", ".join(map(self.coder.label, one.decides))
        yield render.DISCLAIMER

    def _requirement(self, missing: Missing) -> Json:
        """What is not on record, as the data that would tell it."""
        if missing.fact in _ELEMENTS:
            kind, element = _ELEMENTS[missing.fact]
            return {"type": kind, "mustSupport": [element]}
        above = self.tree["within"].get(missing.fact, ())
        kind = "Condition" if "dg:Condition" in above else "Observation"
        return {"type": kind, "mustSupport": ["code"], "codeFilter": [{"path": "code", "code": self.coder.codings(missing.fact)}]}

    # --- what it comes to

    def _group(self) -> Json:
        answer = self.answer
        applying = [f"{canonical('PlanDefinition', local_name(g.id))}|{g.version}" for g in answer.guidelines if g.applies is not False]
        return self._add(
            "RequestGroup",
            "answer",
            instantiatesCanonical=applying,
            **self._proposed(),
            author=self.device,
            note=[{"text": text} for text in self._told()],
            action=list(self._actions()),
        )

    def _told(self) -> Iterator[str]:
        """What holds for the whole answer: what was assumed, where sources differ, and whose decision it is."""
        assumed = [self.coder.label(a.condition) for a in self.answer.assumptions]
        if assumed:
            yield "taken as absent, since nothing was recorded of it: " + ", ".join(assumed)
        for one in self.answer.conflicts:
            sides = (f"{self.tree['guidelines'].get(s.source, {}).get('label', s.source)}: {s.says}" for s in one.between)
            yield f"sources differ, {one.label}: " + "; ".join(sides)
        yield render.DISCLAIMER

    def _actions(self) -> Iterator[Json]:
        if self.answer.actions:
            yield {
                "id": "first",
                "title": "What to do next",
                "groupingBehavior": "logical-group",
                "action": list(map(self._first, self.answer.actions)),
            }
        for title, _, verdicts in render.grouped(self.answer):
            yield some(
                id=f"status-{verdicts[0].status}",
                title=title,
                code=[self.coder.notation("dg:Status", verdicts[0].status)],
                groupingBehavior="logical-group",
                selectionBehavior="any" if verdicts[0].status == "eligible" else None,
                action=[self._therapy(v) for v in verdicts],
            )

    def _first(self, action: Action) -> Json:
        """Something to do, and the therapies that it comes before."""
        above = self.tree["within"].get(action.action, ())
        code = self.coder.concept(action.action)
        if {"dg:Assessment", "dg:Observable"} & set(above):
            request = self._add("ServiceRequest", action.action, **self._proposed(code=code), requester=self.device)
        else:
            elements = {key: value for key, value in self._proposed(code=code).items() if key != "subject"}
            request = self._add("Task", action.action, **elements, description=action.label, **{"for": self.subject})
        return some(
            id=local_name(action.action),
            title=action.label,
            code=[code],
            documentation=list(self.coder.citations(action.statements)),
            relatedAction=[{"actionId": local_name(t), "relationship": "before-start"} for t in action.unblocks],
            resource=request,
        )

    def _therapy(self, verdict: TherapyVerdict) -> Json:
        requests = self._requests(verdict) if verdict.status == "eligible" else []
        defined = {"reference": canonical("ActivityDefinition", local_name(verdict.therapy)), "type": "ActivityDefinition", "display": verdict.label}
        one = requests[0][1] if len(requests) == 1 else defined if not requests else None
        return some(
            id=local_name(verdict.therapy),
            prefix=str(verdict.rank) if verdict.rank else None,
            title=verdict.label,
            description="\n".join(self._described(verdict)),
            textEquivalent="; ".join(render.doses(verdict)),
            code=[
                self.coder.notation("dg:Status", verdict.status),
                *([self.coder.notation("dg:Continuation", verdict.continue_)] if verdict.continue_ else []),
                self.coder.concept(verdict.therapy),
            ],
            documentation=list(self._documents(verdict)),
            condition=[_condition(verdict)],
            relatedAction=[{"actionId": name, "relationship": "after"} for name in self._earlier(verdict)],
            selectionBehavior=None if one else "any" if any(r.phase for r in verdict.regimens) else "at-most-one",
            resource=one,
            action=[{"title": title, "resource": request} for title, request in requests] if one is None else None,
        )

    def _described(self, verdict: TherapyVerdict) -> Iterator[str]:
        yield from render.why(verdict)
        for change in verdict.would_change:
            yield f"{change.to} after: " + " and ".join(c.label for c in change.if_)
        if verdict.reassess and verdict.reassess.after:
            yield f"judge the effect after {verdict.reassess.after.words()}"

    def _earlier(self, verdict: TherapyVerdict) -> list[str]:
        """Therapies that must have been tried first, where there is one way only."""
        if verdict.status != "deferred" or len(verdict.would_change) != 1:
            return []
        listed = {v.therapy for v in self.answer.therapies}
        return [local_name(c.happens) for c in verdict.would_change[0].if_ if c.happens in listed and c.happens != verdict.therapy]

    # --- proposals

    def _requests(self, verdict: TherapyVerdict) -> list[tuple[str, Json]]:
        """Proposals of a therapy that may be had, one for each way of giving it."""
        regimens = verdict.regimens
        if not self.coder.is_drug(verdict.therapy):
            note = self._advice(verdict) + [{"text": dosing.words(r)} for r in regimens]
            when = dosing.timing(regimens[0]) if len(regimens) == 1 else None
            made = self._add("ServiceRequest", verdict.therapy, **self._proposed(code=self.coder.concept(verdict.therapy)), **self._defined(verdict),
                             occurrenceTiming=when, requester=self.device, note=note)  # fmt: skip
            return [(verdict.label, made)]
        ways = [regimens] if len(regimens) < 2 or dosing.phased(regimens) else [(r,) for r in regimens]
        return [
            (
                "; ".join(map(dosing.words, way)) or verdict.label,
                self._add(
                    "MedicationRequest",
                    f"{verdict.therapy}|{number}",
                    **self._proposed(medicationCodeableConcept=self.coder.concept(verdict.therapy)),
                    **self._defined(verdict),
                    requester=self.device,
                    note=self._advice(verdict),
                    dosageInstruction=dosing.dosages(self.coder, verdict.therapy, way),
                ),
            )
            for number, way in enumerate(ways, 1)
        ]

    def _defined(self, verdict: TherapyVerdict) -> Json:
        return {"instantiatesCanonical": [f"{canonical('ActivityDefinition', local_name(verdict.therapy))}|{self.answer.knowledge.version}"]}

    def _advice(self, verdict: TherapyVerdict) -> list[Json]:
        """What goes with a proposal wherever it is read alone: what speaks against it, and whose decision it is."""
        return [{"text": text} for text in [*(c.label for c in verdict.cautions if c.kind != "adverse-effect"), render.DISCLAIMER]]

    # --- sources

    def _documents(self, verdict: TherapyVerdict) -> Iterator[Json]:
        """Reasons with their criteria, recommendations with their strength, what to bear in mind, and the sources of it all."""
        for reason in verdict.because:
            yield self._justified(reason)
        for recommendation in verdict.recommendations:
            yield self.coder.recommendation(recommendation.id)
        for part in _ADVICE:
            for item in getattr(verdict, part):
                yield self._noted(item)
        statements = [s for r in verdict.because for s in r.statements] + [s for r in verdict.recommendations for s in r.statements]
        yield from self.coder.citations(statements, [s for r in verdict.because for s in r.sources])

    def _justified(self, reason: Reason) -> Json:
        facts = "; ".join(map(self._recorded, reason.facts))
        return some(
            type="justification",
            label=reason.kind,
            display=reason.label + (f" (recorded: {facts})" if facts else ""),
            citation=self.coder.where(reason.statements, reason.sources),
            url=expand(reason.criterion) if reason.criterion else None,
        )

    def _recorded(self, fact: FactUsed) -> str:
        value = self.tree["labels"].get(fact.value, fact.value)
        return " ".join(str(part) for part in (self.coder.label(fact.fact), value, fact.unit, fact.date) if part is not None)

    def _noted(self, item: Item) -> Json:
        label = item.label + (f" ({item.schedule.words()})" if item.schedule else "")
        return some(type="documentation", label=item.kind, display=label, citation=self.coder.where(item.statements, item.sources))


def _condition(verdict: TherapyVerdict) -> Json:
    """Whether a therapy may be had now, or of one that is taken whether it stops."""
    why = "; ".join([*(r.label for r in verdict.because), *(f"not on record: {m.label}" for m in verdict.missing)]) or verdict.status
    if verdict.continue_:
        return {"kind": "stop", "expression": truth(_STOP[verdict.continue_], f"continue: {verdict.continue_}; {why}")}
    return {"kind": "applicability", "expression": truth(_APPLICABLE[verdict.status], f"{verdict.status}: {why}")}
