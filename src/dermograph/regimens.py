"""Which regimens fit a patient, with the amounts computed, and where other labels differ."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dermograph.amounts import Amount
from dermograph.assessment import Conflict, Item, Regimen, Side
from dermograph.case import Case

Tree = dict[str, Any]
WEIGHT = "dg:perKilogram"


@dataclass(frozen=True)
class Fitting:
    """Which regimens fit.

    :param fits: regimens of the index that fit the patient.
    :param undecided: criteria that leave every regimen open; empty when one fits or none can.
    :param weightless: a regimen fits but for the weight that its dose needs.
    :param none: there are regimens, and none is for this patient.
    """

    fits: tuple[Tree, ...] = ()
    undecided: tuple[str, ...] = ()
    weightless: bool = False
    none: bool = False


def fitting(case: Case, row: Tree) -> Fitting:
    """Find the regimens of a therapy that fit a patient; one that was not seen in a source is never offered."""
    offered = [r for r in row["regimens"] if not r["exampleOnly"] and r["verified"]]
    weight = _weight(case)
    fits, open_, weightless = [], [], False
    for regimen in offered:
        holds = case.holds(regimen["population"])
        if holds and (weight is not None or not regimen["perKilogram"]):
            fits.append(regimen)
        elif holds:
            weightless = True
        elif holds is None:
            open_.append(regimen)
    if not fits and (open_ or weightless):
        return Fitting(undecided=tuple(sorted({atom for r in open_ for atom in case.atoms(r["population"], None)})), weightless=weightless)
    return Fitting(tuple(fits), none=bool(offered) and not fits)


def offer(case: Case, therapy: str, fit: Fitting, ongoing: bool) -> tuple[tuple[Regimen, ...], tuple[Conflict, ...]]:
    """Regimens to offer, with their amounts, and what other regulators say instead.

    The guideline's come first; a label's are taken where the guideline is silent for this patient, and then those of
    one regulator only. A therapy that is taken already needs no loading dose again.
    """
    if not fit.fits:
        return (), ()
    label, weight = case.tree["rows"][therapy]["label"], _weight(case)
    first = min(int(r["authorityOrder"]) for r in fit.fits)
    chosen = sorted((r for r in fit.fits if int(r["authorityOrder"]) == first), key=lambda r: (int(r["order"] or 0), r["id"]))
    given = tuple(computed(r, weight, ongoing) for r in chosen)
    doses = {_signature(g) for g in given}
    conflicts = []
    for other in fit.fits:
        told = computed(other, weight, ongoing) if int(other["authorityOrder"]) != first else given[0]
        if _signature(told) not in doses:
            sides = (_side(given[0]), _side(told))
            conflicts.append(Conflict(therapy, sides, f"{label}: dose differs between {sides[0].source} and {sides[1].source}"))
    return given, tuple(conflicts)


def without_dose(case: Case, therapy: str, fit: Fitting) -> tuple[Item, ...]:
    """The cautions that say why no regimen of a therapy is for this patient: what each meant gap says that holds."""
    if not fit.none:
        return ()
    row = case.tree["rows"][therapy]
    meant = tuple(_without(row["label"], gap) for gap in row["gaps"] if case.holds(gap["criterion"]))
    return meant or (Item("no-regimen", f"no source states a dose of {row['label']} for this patient; ask a specialist"),)


def _without(therapy: str, gap: Tree) -> Item:
    label = f"no dose of {therapy} for this patient: {gap['label']}; ask a specialist"
    return Item(gap["kind"], label, statements=tuple(gap["statements"]), sources=tuple(gap["sources"]))


def _weight(case: Case) -> Decimal | None:
    return case.number(case.tree["weight"]) if case.tree["weight"] else None


def _signature(regimen: Regimen) -> tuple[object, ...]:
    return (regimen.loading, regimen.dose, regimen.per_kg, regimen.every, regimen.frequency)


def _side(regimen: Regimen) -> Side:
    return Side(regimen.regulator or "guideline", regimen.text, regimen.statements, regimen.sources)


def computed(tree: Tree, weight: Decimal | None, ongoing: bool) -> Regimen:
    """A regimen of the index with the amounts for a patient.

    :param weight: in kilograms; None where no dose turns on it.
    :param ongoing: the therapy is taken already, so a loading dose is past.
    """
    return Regimen(
        route=tree["route"],
        loading=None if ongoing else Amount.of(tree["loading"]),
        dose=_dose(tree, weight),
        per_kg=Amount.of(tree["perKilogram"]),
        every=Amount.of(tree["every"]),
        frequency=Amount.of(tree["frequency"]),
        divided=_divided(tree),
        maximum=Amount.of(tree["maximum"]),
        duration=Amount.of(tree["duration"]),
        phase=tree["phase"],
        titration=tree["titration"],
        taper=tree["taper"],
        regulator=tree["authority"],
        text=wording(tree, weight, ongoing),
        statements=tuple(tree["statements"]),
        sources=tuple(tree["sources"]),
    )


def _dose(tree: Tree, weight: Decimal | None) -> Amount | None:
    per_kg, maximum = Amount.of(tree["perKilogram"]), Amount.of(tree["maximum"])
    if per_kg is None or weight is None:
        return Amount.of(tree["dose"])
    unit = per_kg.unit.replace("/kg", "")
    return per_kg.times(weight, unit, maximum.top() if maximum and maximum.unit == unit else None)


def _divided(tree: Tree) -> int | None:
    return int(tree["divided"]) if tree["divided"] else None


def wording(tree: Tree, weight: Decimal | None, ongoing: bool) -> str:
    """A regimen of the index in words, with the amounts for a patient; see :func:`computed`."""
    loading, dose, per_kg = None if ongoing else Amount.of(tree["loading"]), _dose(tree, weight), Amount.of(tree["perKilogram"])
    every, frequency, maximum = (Amount.of(tree[key]) for key in ("every", "frequency", "maximum"))
    divided = _divided(tree)
    parts = []
    if dose is None and frequency is None:
        parts.append(tree["label"])
    if loading:
        parts.append(f"{loading.words()} once, then")
    if dose:
        parts.append(dose.words())
        if per_kg:
            parts.append(f"({per_kg.words()})")
    if divided and divided > 1:
        parts.append(f"in {divided} divided doses")
    if every and not (dose and dose.unit.endswith("/" + every.unit) and every.value == 1):
        parts.append(every.interval())
    if frequency:
        parts.append(frequency.words())
    text = " ".join(parts)
    if tree["routeLabel"]:
        text += f", {tree['routeLabel']}"
    if maximum:
        text += f", at most {maximum.words()}"
    if duration := Amount.of(tree["duration"]):
        text += f", for {duration.words()}"
    for key in ("condition", "withoutDose", "titration", "taper"):
        if tree[key]:
            text += f"; {tree[key]}"
    return f"{tree['phase']}: {text}" if tree["phase"] else text
