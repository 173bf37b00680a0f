"""Adding to an ontology: what is there, what a new node is called, and how Turtle gets into the files.

What goes into a file that is there is added to it, and the rest of the file stays. Nothing is written before the
ontology was found to load with it.
"""

from __future__ import annotations

import bisect
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from dermograph import content, derive, index
from dermograph.errors import UsageError
from dermograph.formatting import canonical
from dermograph.graph import Graph, read
from dermograph.terms import PREFIXES, compact, expand, local_name, nearest
from dermograph.workbench.positions import positions

ROOT = "dermograph.ttl"
CATALOG = "catalog-v001.xml"
_NAME = re.compile(r"[A-Z][A-Za-z0-9]*")
_JOINED = re.compile(r"([A-Za-z0-9]*[a-z0-9])?(And|Or)[A-Z].*")
_LICENCE = "https://creativecommons.org/licenses/by/4.0/"


@dataclass(frozen=True)
class Skeleton:
    """What is to be written.

    :param additions: Turtle to add to files, by path relative to the ontology.
    :param modules: titles and descriptions of the files that are new modules.
    """

    node: str
    additions: dict[str, str]
    modules: dict[str, tuple[str, str]] = field(default_factory=dict)


class Content:
    """An ontology to add to."""

    def __init__(self, ontology: Path) -> None:
        self.folder = ontology
        self.graph = Graph(read(content.modules(ontology)))
        self.tree = index.build(self.graph)

    @cached_property
    def places(self) -> dict[str, str]:
        """File of each node that has one."""
        return {node: found[0][0] for node, found in positions(self.folder).subjects.items()}

    def new(self, name: str, label: str) -> str:
        """Compact IRI of a new node, made from the label where no name is given; refused where it is taken or no good name."""
        local = local_name(name) if name else "".join(w[:1].upper() + w[1:] for w in re.findall(r"[A-Za-z0-9]+", label) if w not in ("and", "or"))
        if not _NAME.fullmatch(local) or _JOINED.fullmatch(local):
            raise UsageError(
                f"{local or name!r} is no good name", "begin with a capital, use letters and digits only, and join nothing with And or Or"
            )
        if f"ad:{local}" in self.places:
            number = next(n for n in range(2, 1000) if f"ad:{local}{n}" not in self.places)
            raise UsageError(
                f"ad:{local} is there already, in {self.places[f'ad:{local}']}", f"take another name, such as {local}{number}, or edit what is there"
            )
        return f"ad:{local}"

    def known(self, name: str, what: str, among: Iterable[str]) -> str:
        """Compact IRI of a node that is there, by name or label; refused with the nearest names where it is not."""
        names = set(among)
        wanted = compact(name) if ":" in name else f"ad:{name}"
        if wanted in names:
            return wanted
        labelled = [n for n in names if self.graph.label(n).casefold() == name.casefold()]
        if len(labelled) == 1:
            return labelled[0]
        local = {local_name(n): n for n in names}
        near = [local[n] for n in nearest(local_name(name), local, 3)]
        raise UsageError(f"{name}: no such {what}", f"the nearest are {', '.join(near)}" if near else f"define the {what} first")

    def criterion(self, name: str) -> str:
        """A criterion that is there."""
        return self.known(name, "criterion", self.tree["criteria"])

    def therapy(self, name: str) -> str:
        """A class of therapy that is there."""
        return self.known(name, "therapy", [c for c, above in self.tree["within"].items() if "dg:Therapy" in above])

    def cited(self, statements: Sequence[str], sources: Sequence[str] = ()) -> list[tuple[str, str]]:
        """Predicates and values that cite statements and references."""
        found = [("dg:statement", self.known(s, "statement", self.graph.instances("dg:Statement"))) for s in statements]
        return found + [("dg:source", self.known(s, "reference", self.graph.instances("dg:Reference"))) for s in sources]

    def folder_of(self, guideline: str) -> Path:
        """Folder of a guideline's files, relative to the ontology."""
        return Path(self.places[guideline]).parent


# --- Turtle


def text(words: str) -> str:
    """A sentence as an English literal."""
    return f"{plain(words)}@en"


def plain(words: str) -> str:
    """A literal without a language."""
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ").strip() + '"'


def block(node: str, types: Sequence[str], said: Iterable[tuple[str, str]]) -> str:
    """One node in Turtle."""
    lines = [f"{node} a {' , '.join(types)}", *(f"    {predicate} {value}" for predicate, value in said)]
    return " ;\n".join(lines) + " .\n"


def prefixed(turtle: str) -> str:
    """Turtle with every prefix declared."""
    return "".join(f"@prefix {p}: <{iri}> .\n" for p, iri in PREFIXES.items()) + turtle


def slug(name: str) -> str:
    """A name as a file is named: ``NewClassABC`` gives ``new-class-abc``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def module(here: Content, file: str, of: str, title: str = "Dermograph: ", description: str = "") -> dict[str, tuple[str, str]]:
    """Title and description of a file, where it is a new module."""
    return {} if (here.folder / file).exists() else {file: (f"{title}{of}", description or f"This module holds {of}.")}


# --- writing


def write(ontology: Path, made: Skeleton, told: Callable[[Path], None] = lambda _: None) -> list[Path]:
    """Write a skeleton, with imports, catalog and derived criteria.

    :param told: told of each file that was written.
    :raises KnowledgeError: the ontology could not be loaded with it; nothing is written then.
    """
    with tempfile.TemporaryDirectory(prefix="dermograph-") as room:
        copy = Path(room) / "ontology"
        shutil.copytree(ontology, copy)
        _apply(copy, made)
        index.build(Graph(read(content.modules(copy))))
        changed = [p.relative_to(copy) for p in sorted(copy.rglob("*")) if p.is_file() and _differs(p, ontology / p.relative_to(copy))]
        for path in changed:
            (ontology / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(copy / path, ontology / path)
            told(ontology / path)
    return [ontology / path for path in changed]


def _differs(one: Path, other: Path) -> bool:
    return not other.is_file() or one.read_bytes() != other.read_bytes()


def _apply(ontology: Path, made: Skeleton) -> None:
    root = (ontology / ROOT).read_text(encoding="utf-8")
    (top,) = Graph(read([ontology / ROOT])).instances("owl:Ontology")
    for file, (title, description) in made.modules.items():
        iri = f"{expand(top)}/{file.removesuffix('.ttl')}"
        said = [("dcterms:title", text(title)), ("dcterms:description", text(description)), ("dcterms:license", f"<{_LICENCE}>")]
        path = ontology / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(canonical(prefixed(block(f"<{iri}>", ["owl:Ontology"], said)), file), encoding="utf-8")
        root += f"\n<{expand(top)}> <{expand('owl:imports')}> <{iri}> .\n"
        _enter(ontology / CATALOG, iri, file)
    if made.modules:
        (ontology / ROOT).write_text(canonical(root, ROOT), encoding="utf-8")
    for file, turtle in made.additions.items():
        path = ontology / file
        path.write_text(canonical(path.read_text(encoding="utf-8") + "\n" + prefixed(turtle), file), encoding="utf-8")
    (ontology / derive.MODULE).write_text(canonical(derive.turtle(ontology), str(derive.MODULE)), encoding="utf-8")


def _enter(catalog: Path, iri: str, file: str) -> None:
    """Enter a module in the catalog that Protégé reads, in the order of names."""
    lines = catalog.read_text(encoding="utf-8").splitlines()
    rows = [i for i, line in enumerate(lines) if "<uri " in line]
    place = bisect.bisect([lines[i].strip() for i in rows], f'<uri name="{iri}"')
    lines.insert(rows[place] if place < len(rows) else rows[-1] + 1, f'    <uri name="{iri}" uri="{file}"/>')
    catalog.write_text("\n".join(lines) + "\n", encoding="utf-8")
