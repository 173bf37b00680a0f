"""Patient: https://hl7.org/fhir/R4/patient.html.

A birth date without a day gives an age only where no threshold of the guidelines lies between the ages that it allows.
"""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from dermograph.fhir.bundle import Entry
from dermograph.fhir.elements import Coding, Concept, Element
from dermograph.fhir.modifiers import modified
from dermograph.fhir.report import Level
from dermograph.fhir.scribe import Scribe
from dermograph.fhir.times import Moment, moment, months

_SEX = {"female": "pt:Female", "male": "pt:Male"}
_BIRTH_SEX = {"F": "female", "M": "male"}
_AT_BIRTH = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex"


def read(entry: Entry, scribe: Scribe) -> None:
    """Record who the patient is."""
    resource = entry.element
    if why := modified(resource):
        for name in ("birthDate", "gender"):
            scribe.tell(entry, _named(name), Level.unknown, why)
        return
    born = moment(resource, "birthDate")
    if born and born.day:
        scribe.say("pt:birthDate", born.day)
        scribe.take(entry, _named("birthDate"), ["pt:birthDate"])
    elif born:
        _age(entry, born, scribe)
    _sex(entry, resource, scribe)
    if resource.value.get("deceasedDateTime") is not None or resource.flag("deceasedBoolean"):
        scribe.tell(entry, _named("deceased"), Level.void, "the patient has died")


def _age(entry: Entry, born: Moment, scribe: Scribe) -> None:
    if born.first > scribe.today:
        raise entry.element.wrong("birthDate", f"a day before {scribe.today}, the day asked about,")
    least, most = months(min(born.last, scribe.today), scribe.today), months(born.first, scribe.today)
    for lowest in (least // 12 * 12, least):
        if not any(lowest < bound <= most for bound in scribe.words.ages):
            years = (Decimal(lowest) / 12).quantize(Decimal("1.000001"), ROUND_UP).normalize()
            scribe.say("pt:ageYears", years if years else Decimal(0))
            scribe.take(
                entry, _named("birthDate"), ["pt:ageYears"], "the day of birth is not told, and no threshold of age lies between the ages it allows"
            )
            return
    scribe.tell(entry, _named("birthDate"), Level.unknown, "the day of birth is not told, and a threshold of age lies between the ages it allows")


def _sex(entry: Entry, resource: Element, scribe: Scribe) -> None:
    gender = resource.text("gender")
    said = {gender} if gender else set()
    for extension in resource.parts("extension"):
        if extension.text("url") == _AT_BIRTH and (code := extension.text("valueCode")) in _BIRTH_SEX:
            said.add(_BIRTH_SEX[code])
    sex = _SEX.get(said.copy().pop()) if len(said) == 1 else None
    if sex:
        scribe.say("pt:sex", sex)
        scribe.take(entry, _named("gender"), [sex])
    elif said:
        scribe.tell(entry, _named("gender"), Level.unknown, f"{' and '.join(sorted(said))}: neither sex is recorded")


def _named(element: str) -> Concept:
    return Concept((Coding("", element, ""),))
