"""The guideline graph, loaded and ready to assess patients."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Container, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyoxigraph as ox

from dermograph import advice, cache, content, facts, plan, record, verdicts
from dermograph.assessment import Assessment, Assumption, Conflict, Input, Item, Missing, Regimen, Side, TherapyVerdict, WouldChange
from dermograph.assessment import Knowledge as Provenance
from dermograph.case import Case, gather
from dermograph.changes import actions, would_change
from dermograph.criteria import Truths, evaluate
from dermograph.errors import Finding, InvalidInput, KnowledgeError, UsageError
from dermograph.record import Record
from dermograph.regimens import offer
from dermograph.store import OxigraphStore, RdflibStore, Store
from dermograph.validation import fast

if TYPE_CHECKING:
    from dermograph.fhir.terminology import Terminology

Engine = Literal["oxigraph", "rdflib"]
Source = Path | str | bytes
CHUNK = 250
"""Patients that are held in a store at once; measured to be near the best."""


class Knowledge:
    """A guideline graph with its queries.

    Make one with :meth:`load`; it may be shared by threads, which then take turns.
    """

    def __init__(self, tree: dict[str, Any], triples: Iterable[ox.Triple], sha256: str, engine: Engine = "oxigraph") -> None:
        self.tree = tree
        self.sha256 = sha256
        self.index = tuple(triples)
        self.ontology: Path | None = None
        self._store: Store = OxigraphStore(self.index) if engine == "oxigraph" else RdflibStore(self.index)
        self._turn = threading.Lock()

    @classmethod
    def load(cls, ontology: Path | None = None, *, engine: Engine = "oxigraph") -> Knowledge:
        """Load the ontology that came with Dermograph, or an author's own copy.

        :param ontology: folder of Turtle modules.
        :param engine: ``oxigraph``, or ``rdflib`` to hold it to.
        :raises KnowledgeError: a module cannot be parsed, breaks the model, or uses a name that nothing declares.
        """
        where = ontology or content.folder("ontology")
        sha256 = content.digest(where, content.folder("queries"))
        kept = cache.load(sha256)
        if kept is None:
            kept = _work_out(where)
            cache.save(sha256, kept)
        triples = (ox.Triple(q.subject, q.predicate, q.object) for q in ox.parse(input=kept["triples"], format=ox.RdfFormat.N_TRIPLES))
        loaded = cls(kept["tree"], triples, sha256, engine)
        loaded.ontology = where
        return loaded

    @cached_property
    def terminology(self) -> Terminology:
        """What the codes of other terminologies mean, by the mappings of the ontology."""
        from dermograph.fhir.terminology import Terminology
        from dermograph.fhir.vocabulary import Vocabulary

        return Terminology.load(self.ontology or content.folder("ontology"), Vocabulary.of(self))

    @property
    def version(self) -> str:
        """Version of the guideline content."""
        return "+".join(sorted({g["version"] for g in self.tree["guidelines"].values()}))

    @property
    def therapies(self) -> tuple[str, ...]:
        """Compact IRIs of every therapy that an answer lists."""
        return tuple(self.tree["rows"])

    def read(self, source: Source, *, as_of: dt.date | None = None, suffix: str = ".ttl") -> list[Record]:
        """Read the patients of a file or folder, of Turtle text, or of bytes in the syntax of the suffix.

        FHIR is told by the suffixes ``.json`` and ``.ndjson``.
        """
        if isinstance(source, Path):
            from dermograph import inputs

            return inputs.read(str(source), as_of, None, self)
        if isinstance(source, str) and "\n" not in source and source.endswith(suffix):
            raise UsageError(f"{source!r} is the name of a file, and text is read as Turtle", "give a pathlib.Path")
        data = source.encode() if isinstance(source, str) else source
        if suffix in (".json", ".ndjson"):
            from dermograph.fhir import reading

            return reading.read(data, "input", self.terminology, suffix=suffix, as_of=as_of).all()
        return record.read(data, "input", suffix=suffix, as_of=as_of)

    def validate(self, records: Sequence[Record]) -> list[Finding]:
        """Breaches of the patient shapes, by the fast route."""
        with self._turn:
            try:
                given = {r.name: list(self._given(r)) for r in records}
                self._store.add(t for triples in given.values() for t in triples)
                found = self._breaches("patient", records, chain.from_iterable(given.values()))
                bad = {f.patient for f in found if f.severity == "Violation"}
                good = [r for r in records if r.name not in bad]
                self._store.clear()
                self._store.add(t for r in good for t in given[r.name])
                derived = facts.derive(self._store)
                return found + self._breaches("facts", good, chain(*(given[r.name] for r in good), derived))
            finally:
                self._store.clear()

    def _breaches(self, stem: str, records: Sequence[Record], triples: Iterable[ox.Triple]) -> list[Finding]:
        return fast(self._store, self.tree["shapes"][stem], records, triples, self.tree["labels"])

    def _violations(self, stem: str, records: Sequence[Record], triples: Iterable[ox.Triple]) -> dict[str, list[Finding]]:
        """Breaches that stop a patient, by patient."""
        found: dict[str, list[Finding]] = {}
        for f in self._breaches(stem, records, triples):
            if f.severity == "Violation":
                found.setdefault(f.patient, []).append(f)
        return found

    def assess(self, source: Source | Record, *, as_of: dt.date | None = None) -> Assessment:
        """Assess one patient.

        :param source: a file, Turtle text, or a record.
        :param as_of: the day asked about; without it, what the graph says, else today.
        :raises InvalidInput: the graph breaks a shape, or holds several patients.
        """
        records = [source] if isinstance(source, Record) else self.read(source, as_of=as_of)
        if len(records) > 1:
            names = ", ".join(r.name for r in records)
            finding = Finding("one patient", names, "several patients; ask assess_all", patient=records[0].name)
            raise InvalidInput(records[0].source, [finding])
        (answer,) = self.assess_all(records)
        if isinstance(answer, InvalidInput):
            raise answer
        return answer

    def assess_all(self, records: Iterable[Record]) -> Iterator[Assessment | InvalidInput]:
        """Assess many patients, in order; for one that breaks a shape comes the error instead of an answer."""
        for chunk in chunks(records):
            with self._turn:
                answers = self._chunk(chunk)
            yield from answers

    def truths(self, records: Sequence[Record]) -> tuple[Truths, list[ox.Triple]]:
        """Truth of every criterion for each record, and the triples it rests on, facts included."""
        with self._turn:
            try:
                given = [t for r in records for t in self._given(r)]
                self._store.add(given)
                return self._truths(records, given)
            finally:
                self._store.clear()

    def _truths(self, records: Sequence[Record], given: list[ox.Triple]) -> tuple[Truths, list[ox.Triple]]:
        derived = facts.derive(self._store)
        return evaluate(self._store, self.tree, [r.patient.value for r in records]), given + derived

    def _given(self, one: Record) -> Iterator[ox.Triple]:
        return record.prepared(one, self.tree["units"])

    def _chunk(self, records: Sequence[Record]) -> list[Assessment | InvalidInput]:
        try:
            given = {r.name: list(self._given(r)) for r in records}
            self._store.add(t for triples in given.values() for t in triples)
            bad = self._violations("patient", records, chain.from_iterable(given.values()))
            good = [r for r in records if r.name not in bad]
            if bad:
                self._store.clear()
                self._store.add(t for r in good for t in given[r.name])
            truths, known = self._truths(good, [t for r in good for t in given[r.name]])
            bad |= self._violations("facts", good, known)
        finally:
            self._store.clear()
        gathered = gather(known)
        answers = {r.name: self.answer(Case(self.tree, truths, place, r, gathered)) for place, r in enumerate(good) if r.name not in bad}
        return [InvalidInput(r.source, bad[r.name]) if r.name in bad else answers[r.name] for r in records]

    def case(self, one: Record) -> Case:
        """Truths and facts of one record, for those who look inside."""
        return self.cases([one])[0]

    def cases(self, records: Iterable[Record]) -> list[Case]:
        """Truths and facts of many records that are valid, in order."""
        found = []
        for chunk in chunks(records):
            truths, known = self.truths(chunk)
            gathered = gather(known)
            found += [Case(self.tree, truths, place, one, gathered) for place, one in enumerate(chunk)]
        return found

    def answer(self, case: Case, only: Container[str] | None = None, judged: Sequence[verdicts.Judged] | None = None) -> Assessment:
        """Put together the answer for a patient whose truths are known.

        :param case: holds the tree that is judged by, which may differ from that of the knowledge.
        :param only: therapies whose verdicts are wanted; what would change them, and actions, are then left out.
        :param judged: status of each therapy where it is known already; ranks are among these.
        """
        tree = case.tree
        judged = [verdicts.judge(case, t) for t in tree["rows"]] if judged is None else judged
        told = judged if only is None else [j for j in judged if j.therapy in only]
        offers = {j.therapy: ((), ()) if j.status == "excluded" else offer(case, j.therapy, j.fitting, j.status == "ongoing") for j in told}
        stale = advice.expired(case)
        ranks = plan.ranks(case, judged)
        missing = advice.missing(case, judged)
        changes = would_change(case, judged) if only is None else {}
        return Assessment(
            patient=case.record.identifier,
            as_of=case.record.as_of,
            guidelines=plan.guidelines(case),
            therapies=tuple(self._verdict(case, j, ranks[j.therapy], missing, changes, offers[j.therapy][0], stale) for j in told),
            pathway=plan.place(case),
            actions=actions(case, changes) if only is None else (),
            assumptions=tuple(Assumption(c, "absent") for c in plan.assumptions(case)),
            conflicts=tuple(_conflicts(case, told, {t: conflicts for t, (_, conflicts) in offers.items()})),
            knowledge=Provenance(self.version, self.sha256),
            input=Input(case.record.digest() if only is None else ""),
        )

    def _verdict(
        self,
        case: Case,
        j: verdicts.Judged,
        rank: int | None,
        missing: dict[str, Missing],
        changes: dict[str, tuple[WouldChange, ...]],
        regimens: tuple[Regimen, ...],
        stale: tuple[Item, ...],
    ) -> TherapyVerdict:
        row = case.tree["rows"][j.therapy]
        return TherapyVerdict(
            therapy=j.therapy,
            label=row["label"],
            status=j.status,
            rank=rank,
            continue_=advice.continuation(case, j),
            recommendations=advice.recommendations(case.tree, j.therapy),
            because=advice.reasons(case, j),
            missing=tuple(missing[f] for f in j.missing),
            cautions=advice.cautions(case, j) + stale,
            screening=advice.duties(case, row["screening"]),
            baseline=advice.items(case, row["baseline"]),
            monitoring=advice.items(case, row["monitoring"]),
            regimens=regimens,
            reassess=advice.reassess(case, j.therapy),
            would_change=changes.get(j.therapy, ()),
        )


def chunks(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records to hold in a store together: not too many, and of no node that two of them speak of."""
    chunk: list[Record] = []
    taken: set[object] = set()
    for one in records:
        nodes = {t.subject for t in one.triples}
        if len(chunk) == CHUNK or not nodes.isdisjoint(taken):
            yield chunk
            chunk, taken = [], set()
        chunk.append(one)
        taken |= nodes
    if chunk:
        yield chunk


def _conflicts(case: Case, judged: Sequence[verdicts.Judged], doses: dict[str, tuple[Conflict, ...]]) -> Iterator[Conflict]:
    open_to = {j.therapy for j in judged if j.status != "excluded" or any(g.kind != "dg:ReasonOutsidePopulation" for g in j.grounds)}
    for d in case.tree["disagreements"]:
        if case.holds(d["criterion"]) and open_to & set(d["rows"]):
            sides = tuple(Side(s["source"], s["says"], tuple(s["statements"]), tuple(s["sources"])) for s in d["between"])
            yield Conflict(d["therapy"], sides, d["label"])
    for j in judged:
        if j.therapy in open_to:
            yield from doses[j.therapy]


def _work_out(ontology: Path) -> dict[str, Any]:
    from dermograph import index, index_triples
    from dermograph.graph import Graph, read
    from dermograph.validation import shapes
    from dermograph.workbench import references

    graph = Graph(read(content.modules(ontology)))
    references.refuse(ontology, graph)
    try:
        tree = index.build(graph)
    except KnowledgeError as error:
        raise references.located(ontology, error) from error
    tree["shapes"] = {stem: shapes(ontology, stem) for stem in ("patient", "facts")}
    triples = "".join(f"{t} .\n" for t in dict.fromkeys(index_triples.triples(graph, tree)))
    return {"tree": tree, "triples": triples}
