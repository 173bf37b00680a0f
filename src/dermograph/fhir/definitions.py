"""The guidelines as FHIR R4 definitions: https://hl7.org/fhir/R4/clinicalreasoning-module.html.

A guideline is a PlanDefinition whose actions are the steps of its pathway and, in them, its recommendations. A therapy is a
PlanDefinition of its own, since its doses and contraindications serve every guideline: its actions are the regimens, each for
its population, and each defined by an ActivityDefinition. Conditions are criteria by name: FHIRPath with a variable for each
criterion, which the library defines in OWL. An engine that is not given their truths can show them, and decides none.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from dermograph import content, render, sentences
from dermograph.assessment import Regimen
from dermograph.fhir import dosing
from dermograph.fhir.coding import MANCHESTER, Coder, Json, canonical, criterion, resource, some
from dermograph.graph import Graph, read
from dermograph.knowledge import Knowledge
from dermograph.regimens import computed
from dermograph.terms import PREFIXES, local_name

LOGIC = "criteria"
"""Id of the library that defines every criterion."""
_TESTS = ("screening", "baseline", "monitoring")


class Definitions:
    """Writes a knowledge as definitions.

    :param ontology: folder that the knowledge was loaded from.
    """

    def __init__(self, knowledge: Knowledge, ontology: Path) -> None:
        self.coder, self.tree, self.version = Coder(knowledge), knowledge.tree, knowledge.version
        self.graph = Graph(read(content.modules(ontology)))
        self.license = next((self.graph.text(module, "dcterms:license") for module in self.graph.having("dcterms:license")), None)
        self.logic = f"{canonical('Library', LOGIC)}|{self.version}"

    def resources(self) -> Iterator[Json]:
        """Guidelines, therapies, regimens, and the library of their criteria."""
        for name in self.tree["guidelines"]:
            yield self.guideline(name)
        for name in self.tree["rows"]:
            yield self.therapy(name)
            yield self._activity(name, name, self.tree["rows"][name]["label"], self._sources(name))
            for regimen in self._regimens(name):
                yield self.regimen(name, regimen)
        for name, said in self.tree["recommendations"].items():
            if said["direction"] == "against":
                yield self._activity(name, said["therapy"], said["label"], self._cited([said]), doNotPerform=True)
        yield self.library()

    def meaning(self, name: str) -> str | None:
        """The definition of a word."""
        return self.graph.text(name, "skos:definition")

    def header(self, kind: str, number: str, title: str, /, **elements: object) -> Json:
        """A definition under its address."""
        head = {"url": canonical(kind, number), "version": self.version, "name": number, "title": title, "status": "active"}
        return resource(kind, number, **head | elements)

    # --- guidelines

    def guideline(self, name: str) -> Json:
        """A guideline with its pathway."""
        said = self.tree["guidelines"][name]
        steps = [self._step(s) for s in said["order"]]
        aside = [self._recommended(r) for r, of in self.tree["recommendations"].items() if of["guideline"] == name and of["step"] is None]
        orders = [self._ordered(a) for a in self.tree["actions"] if self._document(a["statements"]) == name]
        whole = some(
            id=local_name(name),
            title=said["label"],
            documentation=list(self.coder.citations(said["statements"])),
            condition=[self._needed(said["population"])],
            action=[*steps, *aside, *orders],
        )
        return self._plan(
            name, said["label"], self._cited([said]), [whole], subtitle=self.graph.text(name, "dcterms:source"), version=said["version"]
        )

    def _plan(self, name: str, title: str, sources: list[Json], actions: list[Json], **elements: object) -> Json:
        kind = {"system": "http://terminology.hl7.org/CodeSystem/plan-definition-type", "code": "clinical-protocol"}
        return self.header(
            "PlanDefinition",
            local_name(name),
            title,
            **elements,
            type={"coding": [kind]},
            description=self.meaning(name),
            usage=render.DISCLAIMER,
            copyright=self.license,
            relatedArtifact=sources,
            library=[self.logic],
            action=actions,
        )

    def _step(self, name: str) -> Json:
        said = self.tree["steps"][name]
        return some(
            id=local_name(name),
            title=said["label"],
            description=self.meaning(name),
            documentation=self._cited([said]),
            condition=[self._needed(said["entry"])] + ([self._needed(said["exit"], kind="stop")] if said["exit"] else []),
            relatedAction=[{"actionId": local_name(s), "relationship": "before"} for s in said["next"]],
            requiredBehavior="could" if said["optional"] else None,
            action=[self._recommended(r) for r, of in self.tree["recommendations"].items() if of["step"] == name],
        )

    def _recommended(self, name: str) -> Json:
        said = self.tree["recommendations"][name]
        defined = {"for": ("PlanDefinition", said["therapy"]), "against": ("ActivityDefinition", name)}.get(said["direction"])
        return some(
            id=local_name(name),
            title=said["label"],
            description=self._place(said),
            code=[self.coder.notation("dg:Direction", said["direction"]), self.coder.concept(said["therapy"])],
            documentation=[self.coder.recommendation(name), *self._cited([said])],
            condition=self._conditions(said["barriers"]),
            definitionCanonical=f"{canonical(defined[0], local_name(defined[1]))}|{self.version}" if defined else None,
        )

    def _place(self, said: Json) -> str | None:
        """Where a recommendation stands among those of its step."""
        if not said["order"]:
            return None
        later = self.tree["criteria"][said["later"]]["label"] if said["later"] else None
        return f"place {said['order']} in its step" + (f", {said['laterOrder']} where the patient {later}" if later else "")

    def _ordered(self, action: Json) -> Json:
        return some(
            title=action["label"],
            code=[self.coder.concept(action["action"])],
            documentation=self._cited([action]),
            condition=[self._needed(action["criterion"])] if action["criterion"] else [],
        )

    def _document(self, statements: Iterable[str]) -> str | None:
        return next((str(self.tree["sections"][s][0]) for s in statements), None)

    # --- therapies

    def therapy(self, name: str) -> Json:
        """A therapy: what forbids it, its regimens with their populations, and its tests."""
        row = self.tree["rows"][name]
        regimens = self._regimens(name)
        whole = some(
            id=local_name(name),
            title=row["label"],
            code=[self.coder.concept(name)],
            documentation=[self._noted(item) for item in (*row["cautions"], *row["gaps"])],
            condition=self._conditions(row["barriers"]),
            definitionCanonical=None if regimens else self._defined(name),
            action=[self._way(r) for r in regimens],
        )
        tests = [
            some(id=kind, title=kind, action=[some(title=self._words(t), code=self._subject(t), documentation=self._cited([t])) for t in row[kind]])
            for kind in _TESTS
            if row[kind]
        ]
        return self._plan(name, row["label"], self._sources(name), [whole, *tests])

    def _way(self, regimen: Json) -> Json:
        return some(
            id=local_name(regimen["id"]),
            title=regimen["label"],
            textEquivalent=dosing.words(_given(regimen)),
            documentation=self._cited([regimen]),
            condition=[self._needed(regimen["population"])] if regimen["population"] else [],
            definitionCanonical=self._defined(regimen["id"]),
        )

    def regimen(self, therapy: str, regimen: Json) -> Json:
        """A regimen: what is given, and how much of it."""
        given = _given(regimen)
        dosage = dosing.dosages(self.coder, therapy, [given]) if self.coder.is_drug(therapy) else None
        often = None if dosage else dosing.timing(given)
        said = dosing.words(given)
        return self._activity(regimen["id"], therapy, regimen["label"], self._cited([regimen]), description=said, timingTiming=often, dosage=dosage)

    def _activity(self, name: str, therapy: str, title: str, sources: list[Json], **elements: object) -> Json:
        """What is done for a therapy, or must not be."""
        drug = self.coder.is_drug(therapy)
        return self.header(
            "ActivityDefinition",
            local_name(name),
            title,
            **{"description": self.meaning(name)} | elements,
            usage=render.DISCLAIMER,
            copyright=self.license,
            relatedArtifact=sources,
            kind="MedicationRequest" if drug else "ServiceRequest",
            intent="proposal",
            **{"productCodeableConcept" if drug else "code": self.coder.concept(therapy)},
        )

    def _regimens(self, therapy: str) -> list[Json]:
        """Regimens that may be offered: neither examples nor such as no source was seen of."""
        return [r for r in self.tree["rows"][therapy]["regimens"] if r["verified"] and not r["exampleOnly"]]

    def _defined(self, name: str) -> str:
        return f"{canonical('ActivityDefinition', local_name(name))}|{self.version}"

    def _subject(self, test: Json) -> list[Json] | None:
        return [self.coder.concept(test["subject"])] if test["subject"] else None

    # --- what they share

    def library(self) -> Json:
        """The criteria in Manchester syntax, each as a class of patients."""
        frames = [sentences.manchester(self.tree, name).partition("\n\n") for name in self.tree["criteria"]]
        heads = sorted({line for head, _, _ in frames for line in head.splitlines()})
        ontology = f"Ontology: <{PREFIXES['ad'].rstrip('#')}>"
        text = "\n".join(heads) + f"\n\n{ontology}\n\n" + "\n\n".join(body for _, _, body in frames) + "\n"
        kind = {"system": "http://terminology.hl7.org/CodeSystem/library-type", "code": "logic-library"}
        data = base64.b64encode(text.encode()).decode()
        return self.header(
            "Library",
            LOGIC,
            "Criteria",
            name=LOGIC.capitalize(),
            type={"coding": [kind]},
            description=self.meaning("dg:Criterion"),
            copyright=self.license,
            relatedArtifact=[{"type": "derived-from", "url": PREFIXES["ad"].rstrip("#")}],
            content=[{"contentType": MANCHESTER, "data": data}],
        )

    def _needed(self, name: str, holds: bool = True, kind: str = "applicability") -> Json:
        return {"kind": kind, "expression": criterion(self.tree, name, holds)}

    def _conditions(self, barriers: Iterable[Json]) -> list[Json]:
        """What must hold, and what must not, so that nothing stands in the way."""
        asked = dict.fromkeys((b["criterion"], not b["blocksWhen"]) for b in barriers if b["criterion"])
        return [self._needed(name, holds) for name, holds in asked]

    def _words(self, item: Json) -> str:
        parts = (
            item["label"],
            item["scheduleText"],
            item["authority"] and f"({item['authority']})",
            None if item["verified"] else "(not seen in a source)",
        )
        return " ".join(part for part in parts if part)

    def _noted(self, item: Json) -> Json:
        where = self.coder.where(item["statements"], item["sources"])
        return some(type="documentation", label=item["kind"], display=self._words(item), citation=where)

    def _cited(self, nodes: Iterable[Json]) -> list[Json]:
        """The sources of some nodes."""
        found = list(nodes)
        return list(self.coder.citations([s for n in found for s in n["statements"]], [s for n in found for s in n.get("sources", ())]))

    def _sources(self, name: str) -> list[Json]:
        """The sources of all that is recommended and stated of a therapy."""
        spoken = [self.tree["recommendations"][r] for r in self.tree["rows"][name]["recommendations"]]
        return self._cited([*spoken, *self._regimens(name)])


def _given(regimen: Json) -> Regimen:
    """A regimen as it is for anybody of its population, whose weight is not known."""
    given = computed(regimen, None, False)
    return replace(given, text=f"{given.per_kg.words()}: {given.text}") if given.per_kg else given
