"""Resources of a document, and what a reference points at: https://hl7.org/fhir/R4/bundle.html#references.

A reference is only ever looked up in the document itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import quote, unquote

import pyoxigraph as ox

from dermograph.errors import InputError
from dermograph.fhir.elements import Element
from dermograph.fhir.parsing import Part
from dermograph.record import printable
from dermograph.terms import PREFIXES

MINTED = "urn:dermograph:fhir:"
"""How the name of a resource begins that has no address of its own."""
_KIND = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ADDRESS = re.compile(r"(?:https?://[^/?]+/|urn:(?i:uuid):|urn:oid:)[A-Za-z0-9._~:/?@!$&'()*+,;=%-]{1,1000}")
"""Addresses that may name a node, and still do with more behind them: what follows a host would become its port."""
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:.+", re.DOTALL)
_UUID = re.compile(r"urn:uuid:.*", re.IGNORECASE)
_LOCAL = re.compile(r"(?:(?P<base>.*)/)?(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[^/?#\s]{1,64})(?:/_history/[^/?#\s]{1,64})?")
_BY_IDENTIFIER = re.compile(r"(?P<kind>[A-Z][A-Za-z]+)\?identifier=(?P<system>[^|&]*)\|(?P<value>[^|&]+)")


class Ambiguous(InputError):
    """A reference may point at one of several resources.

    :param found: which.
    """

    def __init__(self, message: str, found: list[Entry]) -> None:
        super().__init__(message, "refer to it by its fullUrl")
        self.found = found


@dataclass(frozen=True, eq=False)
class Entry:
    """A resource and where it stands.

    :param kind: its type.
    :param iri: its name in the patient graph.
    :param address: its full URL, where the document gives one.
    :param bundle: number of the bundle that it came in; 0 where it came by itself.
    :param holder: the resource that contains it.
    """

    kind: str
    iri: str
    element: Element
    address: str = ""
    bundle: int = 0
    holder: Entry | None = None

    @property
    def name(self) -> str:
        """Kind and id, as a report tells them."""
        return self.element.place

    def contained(self) -> Iterator[tuple[str, Entry]]:
        """Resources that it contains, each with the reference that points at it."""
        for place, inner in enumerate(self.element.parts("contained"), 1):
            number = inner.text("id") or ""
            mark = _quoted(number) or str(place)
            element = Element(inner.value, f"{self.name}#{mark}", inner.source)
            yield f"#{number}", Entry(_kind(inner), f"{self.iri}#{mark}", element, "", self.bundle, self)


@dataclass(frozen=True)
class Stray:
    """Something that cannot be read, and of which nobody can tell for sure whose it is.

    :param bundle: number of the bundle that it came in; 0 where it came by itself, None where it is no record of another.
    :param patients: ids of patients that it names.
    """

    error: InputError
    bundle: int | None
    patients: frozenset[str] = frozenset()


@dataclass
class Document:
    """Resources that were given together.

    :param source: name of the document in messages.
    :param afoot: those by id that have no address on a server, and may be meant by any.
    :param twice: names of resources that are there twice, in different words.
    """

    source: str
    entries: list[Entry] = field(default_factory=list)
    by_name: dict[str, Entry] = field(default_factory=dict)
    by_address: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    by_id: dict[tuple[str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    afoot: dict[tuple[str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    twice: set[str] = field(default_factory=set)
    deleted: list[str] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    inner: dict[Entry, dict[str, list[Entry]]] = field(default_factory=dict)
    unlike: dict[int, bool] = field(default_factory=dict)

    @classmethod
    def of(cls, parts: Iterable[Part], source: str) -> Document:
        """The resources of some JSON values, each a bundle or a resource; what is neither is a stray."""
        made = cls(source)
        for number, part in enumerate(parts, 1):
            try:
                made._take(part, number)
            except InputError as error:
                made.strays.append(Stray(error, None if part.is_whole else 0, part.patients))
        return made

    def _take(self, part: Part, number: int) -> None:
        value = part.checked()
        if not isinstance(value, dict) or "resourceType" not in value:
            raise InputError(f"{part.source}: no FHIR: no JSON object with a resourceType", "give a Bundle or a resource; JSON-LD ends in .jsonld")
        if value["resourceType"] == "Bundle":
            self._unpack(Element(value, "Bundle", part.source), number)
        else:
            self.add(Element(value, "resource", part.source))

    def _unpack(self, bundle: Element, number: int) -> None:
        if bundle.text("type") == "history":
            hint = "give a bundle of type collection, searchset, document, batch or transaction"
            raise InputError(f"{bundle.source}: a history tells of one resource many times", hint)
        if rules := bundle.text("implicitRules"):
            raise InputError(f"{bundle.source}: the bundle follows the rules {printable(rules)}, which are not understood", "give one without")
        for entry in bundle.parts("entry"):
            try:
                self._enter(entry, number)
            except InputError as error:
                self.strays.append(Stray(error, number))

    def _enter(self, entry: Element, number: int) -> None:
        resource, request = entry.part("resource"), entry.part("request")
        if request is not None and request.text("method") == "DELETE":
            self.deleted.append(printable(request.text("url") or entry.place))
        elif resource is not None:
            if resource.value.get("resourceType") == "Bundle":
                raise InputError(f"{entry.source}: {resource.place} is a bundle in a bundle", "give each bundle by itself")
            self.add(resource, entry.text("fullUrl") or "", number)

    def add(self, element: Element, address: str = "", bundle: int = 0) -> None:
        """Add a resource, unless it is there already in the same words."""
        kind = _kind(element)
        number = element.text("id") or ""
        unnamed = f"{kind}/entry~{len(self.entries) + 1}"
        place = local(kind, number) if number else unnamed
        address = _key(address) if _ABSOLUTE.fullmatch(address) else ""
        iri = address if _may_name(address) else MINTED + place
        known = self.by_name.get(iri)
        if known is not None and known.address != address:
            iri, known = MINTED + unnamed, None
        if known is not None:
            if known.element.value == element.value:
                return
            self.twice.add(iri)
        entry = Entry(kind, iri, Element(element.value, place, element.source), address, bundle)
        self.entries.append(entry)
        self.by_name[iri] = entry
        self.by_address[address or iri].append(entry)
        if number:
            self.by_id[kind, number].append(entry)
        if number and not address.startswith("http"):
            self.afoot[kind, number].append(entry)

    def find(self, reference: str, of: Entry) -> Entry | None:
        """The resource that a reference points at; None where it is not in the document.

        :raises Ambiguous: it may be one of several.
        """
        holder = of.holder or of
        if reference.startswith("#"):
            return self._one(self._within(holder).get(reference, []), reference, of)
        if found := self.by_address.get(_key(reference)):
            return self._one(found, reference, of)
        if given := _BY_IDENTIFIER.fullmatch(unquote(reference)):
            return self._one(self._identified.get(given.group("kind", "system", "value"), []), reference, of)
        local = _LOCAL.fullmatch(reference)
        if local is None:
            return None
        base, kind, number = local.group("base", "kind", "id")
        around = _LOCAL.fullmatch(holder.address)
        near = self.by_address.get(f"{base or (around and around['base']) or ''}/{kind}/{number}")
        by_id = self.by_id if base is None else self.afoot
        return self._one(near or by_id.get((kind, number), []), reference, of)

    def follow(self, pointer: Element, of: Entry, kind: str) -> Entry | None:
        """The resource that a Reference points at, by its address or else by an identifier.

        :param kind: of the resource, where an identifier names it.
        :raises Ambiguous: it may be one of several.
        """
        reference = pointer.text("reference")
        found = self.find(reference, of) if reference else None
        if found is None and (named := pointer.part("identifier")) is not None and (value := named.text("value")):
            found = self._one(self._identified.get((kind, named.text("system") or "", value), []), value, of)
        return found

    def _within(self, holder: Entry) -> dict[str, list[Entry]]:
        if holder not in self.inner:
            made: dict[str, list[Entry]] = defaultdict(list)
            for reference, entry in holder.contained():
                made[reference].append(entry)
            self.inner[holder] = made
        return self.inner[holder]

    @cached_property
    def _identified(self) -> dict[tuple[str, ...], list[Entry]]:
        """Resources by kind, system and value of each identifier; by one that is malformed nothing is found."""
        made: dict[tuple[str, ...], list[Entry]] = defaultdict(list)
        for entry in self.entries:
            with suppress(InputError):
                for key in {(entry.kind, i.text("system") or "", i.text("value") or "") for i in entry.element.parts("identifier")}:
                    made[key].append(entry)
        return made

    def _one(self, found: list[Entry], reference: str, of: Entry) -> Entry | None:
        if len(found) > 1 and self._unlike(found):
            message = f"{of.element.source}: {printable(of.name)} refers to {printable(reference)}, and {len(found)} resources may be meant"
            raise Ambiguous(message, found)
        return found[0] if found else None

    def _unlike(self, found: list[Entry]) -> bool:
        """Whether it matters which of several is meant; worked out once, since many may refer to many."""
        if id(found) not in self.unlike:
            first = found[0]
            self.unlike[id(found)] = first.kind == "Patient" or any(entry.element.value != first.element.value for entry in found)
        return self.unlike[id(found)]


def local(kind: str, number: str) -> str:
    """Kind and id of a resource as they stand in its name, whatever the id holds."""
    return f"{kind}/{_quoted(number)}"


def kind_of(reference: str) -> str:
    """The kind of resource that a reference names; empty where it names none."""
    found = _LOCAL.fullmatch(reference)
    return found["kind"] if found else ""


def _quoted(number: str) -> str:
    """An id without anything that stands between the parts of a name."""
    return quote(number, safe="", errors="backslashreplace").replace("~", "%7E")


def _key(address: str) -> str:
    """An address as it compares with others: a UUID in small letters."""
    return address.lower() if _UUID.fullmatch(address) else address


def _may_name(address: str) -> bool:
    """Whether an address can be the name of a node, and is none of our words."""
    if not _ADDRESS.fullmatch(address) or address.startswith(tuple(PREFIXES.values())):
        return False
    try:
        ox.NamedNode(address)
    except ValueError:
        return False
    return True


def _kind(element: Element) -> str:
    kind = element.text("resourceType") or ""
    if not _KIND.fullmatch(kind):
        raise element.wrong("resourceType", "the type of a resource")
    return kind
