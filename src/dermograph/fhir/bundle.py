"""Resources of a document, and what a reference points at: https://hl7.org/fhir/R4/bundle.html#references.

A reference is only ever looked up in the document itself.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dermograph.errors import InputError
from dermograph.fhir.elements import Element
from dermograph.record import printable
from dermograph.terms import PREFIXES

MINTED = "urn:dermograph:fhir:"
"""How the name of a resource begins that has no address of its own."""
_KIND = re.compile(r"[A-Z][A-Za-z]{1,63}")
_ADDRESS = re.compile(r"(?:https?://|urn:uuid:|urn:oid:)[A-Za-z0-9._~:/?@!$&'()*+,;=%-]{1,1000}")
_LOCAL = re.compile(r"(?:(?P<base>.*)/)?(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[^/?#\s]{1,64})(?:/_history/[^/?#\s]{1,64})?")
_BY_IDENTIFIER = re.compile(r"(?P<kind>[A-Z][A-Za-z]+)\?identifier=(?P<system>[^|&]*)\|(?P<value>[^|&]+)")


@dataclass(frozen=True, eq=False)
class Entry:
    """A resource and where it stands.

    :param kind: its type.
    :param iri: its name in the patient graph.
    :param address: its full URL, where the document gives one.
    :param holder: the resource that contains it.
    """

    kind: str
    iri: str
    element: Element
    address: str = ""
    holder: Entry | None = None

    @property
    def name(self) -> str:
        """Kind and id, as a report tells them."""
        return self.element.place

    def contained(self) -> Iterator[tuple[str, Entry]]:
        """Resources that it contains, each with the reference that points at it."""
        for place, inner in enumerate(self.element.parts("contained"), 1):
            number = inner.text("id") or ""
            mark = quote(number, safe="", errors="backslashreplace") or str(place)
            yield f"#{number}", Entry(_kind(inner), f"{self.iri}#{mark}", Element(inner.value, f"{self.name}#{mark}", inner.source), "", self)


@dataclass
class Document:
    """Resources that were given together.

    :param source: name of the document in messages.
    """

    source: str
    entries: list[Entry] = field(default_factory=list)
    by_address: dict[str, Entry] = field(default_factory=dict)
    by_id: dict[tuple[str, str], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    deleted: list[str] = field(default_factory=list)
    inner: dict[str, dict[str, Entry]] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Iterable[Any], source: str) -> Document:
        """The resources of some JSON values, each a bundle or a resource.

        :raises InputError: one is neither, or the same resource is there twice in different words.
        """
        made = cls(source)
        for value in values:
            if not isinstance(value, dict) or "resourceType" not in value:
                raise InputError(f"{source}: no FHIR: no JSON object with a resourceType", "give a Bundle or a resource; JSON-LD ends in .jsonld")
            if value["resourceType"] == "Bundle":
                made._unpack(Element(value, "Bundle", source))
            else:
                made.add(Element(value, "resource", source))
        return made

    def _unpack(self, bundle: Element) -> None:
        if bundle.text("type") == "history":
            hint = "give a bundle of type collection, searchset, document, batch or transaction"
            raise InputError(f"{self.source}: a history tells of one resource many times", hint)
        for entry in bundle.parts("entry"):
            resource, request = entry.part("resource"), entry.part("request")
            if request is not None and request.text("method") == "DELETE":
                self.deleted.append(printable(request.text("url") or entry.place))
            elif resource is not None:
                if resource.value.get("resourceType") == "Bundle":
                    raise InputError(f"{self.source}: {resource.place} is a bundle in a bundle", "give each bundle by itself")
                self.add(resource, entry.text("fullUrl") or "")

    def add(self, element: Element, address: str = "") -> None:
        """Add a resource, unless it is there already in the same words."""
        kind = _kind(element)
        number = element.text("id") or ""
        if not _ADDRESS.fullmatch(address) or address.startswith(tuple(PREFIXES.values())):
            address = ""
        place = local(kind, number) if number else f"{kind}/entry-{len(self.entries) + 1}"
        iri = address or MINTED + place
        known = self.by_address.get(iri)
        if known is not None:
            if known.element.value != element.value:
                raise InputError(f"{self.source}: {printable(iri)} is there twice, in different words", "keep the one that holds")
            return
        entry = Entry(kind, iri, Element(element.value, place, self.source), address)
        self.entries.append(entry)
        self.by_address[iri] = entry
        if number:
            self.by_id[kind, number].append(entry)

    def find(self, reference: str, of: Entry) -> Entry | None:
        """The resource that a reference points at; None where it is not in the document.

        :raises InputError: it may be one of several.
        """
        holder = of.holder or of
        if reference.startswith("#"):
            if holder.iri not in self.inner:
                self.inner[holder.iri] = dict(holder.contained())
            return self.inner[holder.iri].get(reference)
        if reference in self.by_address:
            return self.by_address[reference]
        if given := _BY_IDENTIFIER.fullmatch(reference):
            return self._one(self._identified(*given.group("kind", "system", "value")), reference, of)
        local = _LOCAL.fullmatch(reference)
        if local is None:
            return None
        base, kind, number = local.group("base", "kind", "id")
        if base is not None and f"{base}/{kind}/{number}" in self.by_address:
            return self.by_address[f"{base}/{kind}/{number}"]
        if base is None and (around := _LOCAL.fullmatch(holder.address)) and around["base"]:
            near = self.by_address.get(f"{around['base']}/{kind}/{number}")
            if near is not None:
                return near
        found = [e for e in self.by_id.get((kind, number), []) if base is None or not e.address.startswith("http")]
        return self._one(found, reference, of)

    def _identified(self, kind: str, system: str, value: str) -> list[Entry]:
        return [
            entry
            for entry in self.entries
            if entry.kind == kind and any((i.text("system") or "", i.text("value")) == (system, value) for i in entry.element.parts("identifier"))
        ]

    def _one(self, found: list[Entry], reference: str, of: Entry) -> Entry | None:
        if len(found) > 1:
            message = f"{self.source}: {printable(of.name)} refers to {printable(reference)}, and {len(found)} resources may be meant"
            raise InputError(message, "refer to it by its fullUrl")
        return found[0] if found else None


def local(kind: str, number: str) -> str:
    """Kind and id of a resource as they stand in its name, whatever the id holds."""
    return f"{kind}/{quote(number, safe='', errors='backslashreplace')}"


def _kind(element: Element) -> str:
    kind = element.text("resourceType") or ""
    if not _KIND.fullmatch(kind):
        raise element.wrong("resourceType", "the type of a resource")
    return kind
