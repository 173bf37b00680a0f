"""Where the ontology and the queries lie, and their digest.

They are looked for in the installed package first and then in the checkout, so that there is one copy of each.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from dermograph.errors import KnowledgeError

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parents[1]


def folder(name: str) -> Path:
    """Folder of the content of that name, ``ontology`` or ``queries``."""
    for base in (_PACKAGE, _CHECKOUT):
        if (base / name).is_dir():
            return base / name
    raise KnowledgeError(f"the folder {name!r} is neither in the package nor in the checkout", "reinstall dermograph")


@cache
def query(name: str) -> str:
    """Text of a query file, by its path under ``queries/`` without the ending."""
    return (folder("queries") / f"{name}.rq").read_text(encoding="utf-8")


@cache
def stage(name: str) -> tuple[str, ...]:
    """Texts of the queries of a stage, in the order of their file names."""
    return tuple(path.read_text(encoding="utf-8") for path in sorted((folder("queries") / name).glob("*.rq")))


def modules(ontology: Path) -> list[Path]:
    """Turtle modules of the guideline graph, shapes left out, in a fixed order."""
    shapes = ontology / "shapes"
    return [path for path in sorted(ontology.rglob("*.ttl")) if shapes not in path.parents]


def digest(*roots: Path) -> str:
    """SHA-256 over names and bytes of all files below the roots."""
    total = hashlib.sha256()
    for root in roots:
        for path in sorted(p for p in root.rglob("*") if p.suffix in {".ttl", ".rq"}):
            total.update(path.relative_to(root).as_posix().encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()
