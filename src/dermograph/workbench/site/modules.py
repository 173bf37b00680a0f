"""The page of modules: each Turtle file with its title, its IRI and the nodes it describes."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from dermograph.terms import expand
from dermograph.workbench.site.addresses import own
from dermograph.workbench.site.blocks import Block, Facts, Fold, Page, Prose, Section, anchor, joined
from dermograph.workbench.site.material import Material
from dermograph.workbench.site.words import Words


def names(material: Material) -> list[str]:
    """IRIs of the modules, the root first."""
    return material.graph.instances("owl:Ontology")


def path(module: str) -> str:
    """Where a module is told."""
    return f"modules.html#{_ident(module)}"


def _ident(module: str) -> str:
    return anchor(module.partition("://")[2].partition("/")[2])


def module_of(material: Material, file: str) -> str | None:
    """IRI of the module that a file holds."""
    return next((m for m in names(material) if file in {f for f, _ in material.places.subjects.get(m, [])}), None)


def pages(material: Material, words: Words) -> Iterator[Page]:
    """The page of all modules."""
    graph = material.graph
    nodes: dict[str, list[str]] = {}
    for node in graph.described():
        if own(node):
            for file in dict.fromkeys(file for file, _ in material.places.subjects.get(node, [])):
                nodes.setdefault(file, []).append(node)
    sections = []
    for module in names(material):
        file = next((f for f, _ in material.places.subjects.get(module, [])), "")
        pairs: list[tuple[str | Markup, str | Markup]] = [
            ("IRI", Markup('<code class="iri">{}</code>').format(expand(module))),
            ("file", Markup("<code>{}</code>").format(file)),
        ]
        if version := graph.text(module, "owl:versionInfo"):
            pairs.append(("version", version))
        inner: list[Block] = [Prose(Markup("<p>{}</p>").format(graph.text(module, "dcterms:description") or "")), Facts(pairs)]
        if found := nodes.get(file):
            inner.append(Fold(f"{len(found):,} nodes", [Prose(Markup("<p>{}</p>").format(joined(words.link(n) for n in found)))]))
        sections.append(Section(_ident(module), graph.text(module, "dcterms:title") or module, inner))
    yield Page("modules.html", "Files of the ontology", "list", "Every module, with the nodes that it describes.", sections)
