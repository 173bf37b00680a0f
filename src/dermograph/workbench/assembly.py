"""How the files of an ontology fit together: headers, imports, the catalog, prefixes, layout, and the derived module."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from dermograph import derive
from dermograph.errors import KnowledgeError
from dermograph.formatting import canonical
from dermograph.graph import Graph
from dermograph.terms import PREFIXES
from dermograph.workbench.draft import Draft
from dermograph.workbench.problems import Problem

ROOT, CATALOG, DECLARED = "dermograph.ttl", "catalog-v001.xml", "prefixes.ttl"


def formatting(draft: Draft) -> Iterator[Problem]:
    """Files that are not in the one layout, at the first line that differs."""
    for file, module in draft.files.items():
        if isinstance(module.parsed, Problem) or module.text == module.layout:
            continue
        rows, wanted = module.text.splitlines(), module.layout.splitlines()
        line = next((n for n, (one, other) in enumerate(zip(rows, wanted, strict=False), 1) if one != other), min(len(rows), len(wanted)))
        message = "the file is not in the one layout"
        yield Problem(file, line, "formatting", module.subject(line), message, f"run: dermograph fmt {draft.ontology / file}")


def headers(draft: Draft) -> Iterator[Problem]:
    """Files without an ontology node of their own."""
    for file, module in draft.files.items():
        if len(module.ontologies) != 1:
            message = f"the file has {len(module.ontologies)} nodes of type owl:Ontology, and one is wanted"
            yield Problem(file, 1, "header", "", message, "open it with one, with dcterms:title, dcterms:description and dcterms:license")


def imports(draft: Draft) -> Iterator[Problem]:
    """Modules that the root does not import, and imports of what is no module."""
    root = draft.files.get(ROOT)
    if root is None:
        yield Problem(ROOT, 0, "imports", "", "the root of the ontology is missing", f"write {ROOT} with owl:imports of every module")
        return
    names = {name: module.file for module in draft.modules if module is not root for name in module.ontologies}
    nodes = root.ontologies
    imported = {name for node in nodes for name in draft.graph.nodes(node, "owl:imports")}
    for name in sorted(set(names) ^ imported):
        if name in names:
            message, mend = f"the root does not import {names[name]}", f"add <{name}> to owl:imports"
            yield draft.problem("imports", nodes[0] if nodes else "", message, mend, "owl:imports")
        else:
            message = f"the root imports {name}, which no file is"
            yield draft.problem("imports", nodes[0], message, "mend the name, or take it out", "owl:imports", name)


def catalog(draft: Draft) -> Iterator[Problem]:
    """Rows of the catalog that are missing, broken or too many."""
    path = draft.ontology / CATALOG
    try:
        text = path.read_text(encoding="utf-8")
        rows = [row.attrib for row in ElementTree.fromstring(text.encode())]
    except OSError:
        yield Problem(CATALOG, 0, "catalog", "", "the catalog is missing", "write it with a row for every module, for Protégé to find them")
        return
    except ElementTree.ParseError as error:
        what = error.msg.partition(":")[0]
        open_rows = (n for n, row in enumerate(text.splitlines(), 1) if "<uri" in row and not row.rstrip().endswith("/>"))
        line = next(open_rows, error.position[0])
        yield Problem(CATALOG, line, "catalog", "", f"the catalog is no XML: {what}", 'write a row as <uri name="…" uri="…"/>')
        return
    wanted = {name: module.file for module in draft.modules for name in module.ontologies}
    given = {row.get("name", ""): row.get("uri", "") for row in rows}
    lines = {m[1]: text.count("\n", 0, m.start()) + 1 for m in re.finditer(r'name="([^"]*)"', text)}
    for name in sorted(set(wanted) | set(given)):
        if name not in given:
            last, mend = text.count("\n"), f'add <uri name="{name}" uri="{wanted[name]}"/>'
            yield Problem(CATALOG, max(1, last), "catalog", name, f"the catalog lacks {wanted[name]}", mend)
        elif given[name] != wanted.get(name):
            is_ = f"is {wanted[name]}" if name in wanted else "is no module"
            mend = f'write uri="{wanted[name]}"' if name in wanted else "take the row out"
            yield Problem(CATALOG, lines.get(name, 0), "catalog", name, f"the row leads to {given[name]}, and the ontology {is_}", mend)


def prefixes(draft: Draft) -> Iterator[Problem]:
    """Declarations in the module of prefixes that are not those that the tools know."""
    module = draft.files.get(DECLARED)
    if module is None:
        yield Problem(DECLARED, 0, "prefix", "", "the module of prefixes is missing", "take it from the ontology that came with Dermograph")
        return
    graph = Graph(module.triples)
    rows = [row for node in module.ontologies for row in graph.nodes(node, "sh:declare")]
    given = {name: iri for row in rows for name in graph.nodes(row, "sh:prefix") for iri in graph.nodes(row, "sh:namespace")}
    for name in sorted(set(PREFIXES) | set(given)):
        if given.get(name) != PREFIXES.get(name):
            message = f"the prefix {name}: is declared as {given.get(name, 'nothing')}, and stands for {PREFIXES.get(name, 'nothing')}"
            mend = f'declare "{name}" as {PREFIXES[name]}' if name in PREFIXES else "take it out, and write its IRIs in full"
            line = next(iter(module.lines(f'"{name}"')), 1)
            yield Problem(DECLARED, line, "prefix", "", message, mend)


def two_files(draft: Draft) -> Iterator[Problem]:
    """Nodes that two files describe, or one file in two places."""
    for node, places in sorted(draft.places.subjects.items()):
        (first, at), *others = places
        for file, line in others if node else ():
            message = f"it is described here and in {first}:{at}"
            yield Problem(file, line, "two-descriptions", node, message, "bring the two together in one place, or name one of them anew")


def stale(draft: Draft) -> Iterator[Problem]:
    """A derived module that is not what the label facts say."""
    file = derive.MODULE.as_posix()
    try:
        text = canonical(derive.turtle(draft.ontology), file)
    except KnowledgeError as error:
        yield draft.problem("stale-derived", error.node, f"the derived module cannot be written: {error.message}", error.hint, error.predicate)
        return
    given = draft.files[file].text if file in draft.files else ""
    if given != text and (not given or draft.files[file].layout != text):
        blocks, wanted = (set(t.split("\n\n")) for t in (given, text))
        changed = sorted({b.split(" ", 1)[0].strip() for b in blocks ^ wanted if b.startswith("ad:")})
        node = changed[0] if changed else ""
        told = f", {', '.join(changed[:3])} among it" if changed else ""
        message, mend = f"the derived module is stale{told}", f"run: dermograph derive --ontology {draft.ontology}"
        yield Problem(file, draft.places.of(node)[1] if node else 0, "stale-derived", node, message, mend)


def local(draft: Draft) -> list[Problem]:
    """What the files tell without reasoning; imports are looked at once every file says what it is."""
    unnamed = list(headers(draft))
    return [*unnamed, *prefixes(draft), *two_files(draft), *([] if unnamed else [*imports(draft), *catalog(draft)])]
