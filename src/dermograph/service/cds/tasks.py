"""Calls of the services, as the processes of the service work on them: plain values in, a reply out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from dermograph.assessment import Assessment
from dermograph.case import Case
from dermograph.errors import InputError, InvalidInput
from dermograph.fhir import parsing
from dermograph.fhir.elements import Concept
from dermograph.fhir.report import Line
from dermograph.knowledge import Knowledge
from dermograph.record import Record, printable
from dermograph.service.cds import cards, models, orders, prefetch
from dermograph.service.cds.services import OFFERS
from dermograph.service.problems import Reply, problem, told
from dermograph.service.tasks import JSON, PASSED_OVER, knowledge

NEEDED = "send every prefetch key that /cds-services lists, null where there is nothing; nothing is fetched"


def _model(kind: type[models.Asked], body: bytes) -> Any:
    """The body of a request.

    :raises InputError: it is no JSON, or not what was asked for.
    """
    value = parsing.value(body, prefetch.SOURCE)
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        places = "; ".join(f"{printable('.'.join(map(str, e['loc'])))}: {e['msg']}" for e in error.errors(include_input=False, include_url=False)[:5])
        raise InputError(f"{prefetch.SOURCE}: {places}", "write it as CDS Hooks 2.0 has it, see /openapi.json") from error


@told
def call(ontology: Path | None, service: str, body: bytes, day: dt.date | None, base: str) -> Reply:
    """Answer a call with cards; 412 where something that was asked for was not sent.

    :param day: the day asked about; without it, today.
    :param base: address of this service, where it is known.
    """
    known, offer = knowledge(ontology), OFFERS[service]
    request = _model(offer.request, body)
    sent = prefetch.unpacked(request.prefetch, request.context.patient)
    if sent.wanting:
        detail = "what was sent along is not all that was asked for: " + "; ".join(f"{key}: {why}" for key, why in sent.wanting.items())
        return problem(412, detail, NEEDED, missing=sorted(sent.wanting))
    found, missed = _cards(known, request, sent.entries, day or dt.date.today(), base)
    headers = {PASSED_OVER: str(missed)} if missed else {}
    return Reply(200, JSON, models.Cards(cards=found).model_dump_json(exclude_none=True).encode(), headers)


def _cards(known: Knowledge, request: models.Request, entries: list[dict[str, Any]], day: dt.date, base: str) -> tuple[list[models.Card], int]:
    context = request.context
    found: list[orders.Draft] = []
    if isinstance(context, models.Signing):
        found = orders.drafts(context.draftOrders, context.patient)
        drafted = ({"resource": draft.taken} for draft in found if draft.taken)
        entries = [*orders.without(entries, found), *orders.products(context.draftOrders), *drafted]
    read = prefetch.patient(entries, known.terminology, day)
    table = cards.Table(known.tree, known.terminology, request.hookInstance, context.patient, base, read.missed)
    if not isinstance(context, models.Signing):
        answer = _answer(known, read.record)
        return list(cards.of_patient(table, answer, concerned(known.case(read.record)))), read.missed
    wanted = orders.chosen(found, context.selections) if isinstance(context, models.Selecting) else found
    return list(_orders(known, table, read, found, wanted, not isinstance(context, models.Selecting))), read.missed


def _orders(
    known: Knowledge, table: cards.Table, read: prefetch.Read, drafts: Sequence[orders.Draft], wanted: Sequence[orders.Draft], final: bool
) -> Iterator[models.Card]:
    lines = read.reading.report.lines
    given = {draft.name: (draft, read_as) for draft in drafts if (read_as := orders.classes(lines, draft))}
    after = _answer(known, read.record)
    about = concerned(known.case(read.record))
    diseases = {known.tree["criteria"][atom]["class"] for atom in _about(known.tree)}
    unknown: list[tuple[orders.Draft, Line]] = []
    for draft in wanted:
        if draft.name in given:
            classes = given[draft.name][1]
            alike = [other for other, read_as in given.values() if _alike(known, classes, read_as)]
            before = _answer(known, orders.unless(read.record, alike))
            meant = about and not _for_another(known, orders.reasons(draft, read.reading.document), diseases)
            card = cards.of_order(table, cards.Judged(draft, classes, before, after, meant, len(given) > len(alike), final))
            if card:
                yield card
        elif doubts := orders.doubts(lines, draft, known.tree["labels"]):
            yield cards.of_doubt(table, draft, doubts, final)
        elif line := orders.unknown(lines, draft):
            unknown.append((draft, line))
    own = {draft.name for draft in drafts}
    beside = orders.nameless(line for line in lines if line.resource not in own) if any(draft.taken for draft in wanted) else 0
    if unknown or beside:
        yield cards.of_unknown(table, unknown, beside, final)


def _alike(known: Knowledge, ours: Sequence[str], others: Sequence[str]) -> bool:
    """Whether two orders are of one drug, or judged as one."""
    above, below = ({name for cls in classes for name in known.terminology.words.within.get(cls, (cls,))} for classes in (ours, others))
    return bool(above & set(others) or below & set(ours) or above & below & set(known.therapies))


def _answer(known: Knowledge, record: Record) -> Assessment:
    (answer,) = known.assess_all([record])
    if isinstance(answer, InvalidInput):
        raise answer
    return answer


def concerned(case: Case) -> bool:
    """Whether a patient has, or may have, the condition that every guideline is about."""
    about = _about(case.tree)
    return not about or any(case.holds(atom) is not False for atom in about)


def _about(tree: dict[str, Any]) -> set[str]:
    """Atomic criteria that a condition is there, of those that every guideline asks for."""
    shared = [_conditions(tree, g["population"], True) for g in tree["guidelines"].values()]
    return set.intersection(*shared) if shared else set()


def _for_another(known: Knowledge, reasons: Sequence[Concept], diseases: set[str]) -> bool:
    """Whether an order is known to be for something else; not so where a reason is not understood."""
    words = known.terminology.words
    found = [{match.name for match in known.terminology.classes(concept, "dg:Condition")} for concept in reasons]
    return bool(found) and all(names and not any(words.is_a(n, d) or words.is_a(d, n) for n in names for d in diseases) for names in found)


def _conditions(tree: dict[str, Any], criterion: str, wanted: bool) -> set[str]:
    """Atomic criteria that a condition is there, of those that a criterion is made of."""
    definition = tree["criteria"][criterion]
    if "members" in definition:
        return set().union(*(_conditions(tree, m, wanted is positive) for m, positive in definition["members"]))
    return {criterion} if wanted and definition.get("class") in tree["conditions"] else set()


@told
def feedback(body: bytes) -> Reply:
    """Count outcomes; nothing of them is kept."""
    counts = Counter(one.outcome for one in _model(models.Feedback, body).feedback)
    told = models.Counted(accepted=counts["accepted"], overridden=counts["overridden"])
    return Reply(200, JSON, told.model_dump_json().encode())
