"""Ten times the content: the guideline content nine times more under names of its own, as an author would have written it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from dermograph import derive
from dermograph.formatting import canonical

ROOT = Path(__file__).parents[2]
PARTS = ("dermatitis", "labels", "guidelines", "sources")
MODULES = "https://w3id.org/dermograph/"


def ten_copies(folder: Path) -> Path:
    """An ontology with nine more copies of the content, its imports, its catalog and its derived criteria among it.

    What the facts of the core range over, grades of severity and sites of the body, is shared.
    """
    ontology = shutil.copytree(ROOT / "ontology", folder / "ontology")
    texts = {p.relative_to(ontology): p.read_text(encoding="utf-8") for part in PARTS for p in (ontology / part).rglob("*.ttl")}
    measured = set(re.findall(r"^fact:(\w+) ", texts[Path("dermatitis/observables.ttl")], re.MULTILINE))
    derived = set(re.findall(r"^ad:([\w-]+) ", (ontology / derive.MODULE).read_text(encoding="utf-8"), re.MULTILINE))
    prefixes = set(re.findall(r'dg:namePrefix "(\w+)"', "".join(p.read_text(encoding="utf-8") for p in ontology.rglob("*.ttl")))) | {"Every"}
    values = re.findall(r"^ad:([\w-]+) a ad:([\w-]+) , owl:NamedIndividual", texts[Path("dermatitis/conditions.ttl")], re.MULTILINE)
    shared = {name for pair in values for name in pair}
    for number in range(1, 10):

        def renamed(found: re.Match[str], number: int = number) -> str:
            prefix, name = found[1], found[2]
            if prefix == "fact":
                return f"fact:{name}Copy{number}" if name in measured else found[0]
            if name in shared:
                return found[0]
            before = next((p for p in prefixes if name in derived and name.startswith(p)), "")
            return f"ad:{before}Copy{number}{name.removeprefix(before)}"

        for path, text in texts.items():
            text = "\n\n".join(block for block in text.split("\n\n") if block[: block.find(" ")].removeprefix("ad:") not in shared)
            text = re.sub(r"\b(ad|fact):(\w[\w-]*)", renamed, text)
            text = re.sub(rf"<{MODULES}({'|'.join(PARTS)})/", rf"<{MODULES}copy{number}/\1/", text)
            copy = ontology / f"copy{number}" / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(canonical(text, path.as_posix()), encoding="utf-8")
    _imported(ontology, [f"copy{number}/{path.with_suffix('').as_posix()}" for number in range(1, 10) for path in texts])
    (ontology / derive.MODULE).write_text(canonical(derive.turtle(ontology), derive.MODULE.as_posix()), encoding="utf-8")
    return ontology


def _imported(ontology: Path, names: list[str]) -> None:
    """Write modules into the root and into the catalog."""
    root, catalog = ontology / "dermograph.ttl", ontology / "catalog-v001.xml"
    text = root.read_text(encoding="utf-8").replace("owl:imports", f"owl:imports {' , '.join(f'<{MODULES}{n}>' for n in names)} ,", 1)
    root.write_text(canonical(text, root.name), encoding="utf-8")
    rows = "".join(f'    <uri name="{MODULES}{n}" uri="{n}.ttl"/>\n' for n in names)
    catalog.write_text(catalog.read_text(encoding="utf-8").replace("</catalog>", f"{rows}</catalog>"), encoding="utf-8")
