"""The two sides of a comparison: an ontology in a folder, of a git revision, of a wheel or of a released version.

Nothing is fetched: a version is a tag of the checkout, or the one that is installed.
"""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dermograph import __version__, content, index
from dermograph.errors import InputError
from dermograph.graph import Graph, read

_VERSION = re.compile(r"v?(\d+\.\d+[\w.+-]*)")
_WITHIN_WHEEL = "dermograph/ontology/"
_CORE = "core/guideline.ttl"


@dataclass(frozen=True)
class Side:
    """One side of a comparison, read.

    :param name: how it was named.
    :param folder: its ontology folder.
    :param tree: the index, as :func:`dermograph.index.build` gives it.
    """

    name: str
    folder: Path
    graph: Graph
    tree: index.Tree


@contextmanager
def opened(given: str, base: Path | None = None) -> Iterator[Side]:
    """Read what a name stands for; what had to be unpacked is gone afterwards.

    :param given: a folder, a wheel, a git revision, or a version such as ``1.0.0``.
    :param base: a folder of the git checkout that revisions are of; without it the current one.
    :raises InputError: nothing goes by that name, or it holds no ontology.
    :raises KnowledgeError: the ontology cannot be used.
    """
    with tempfile.TemporaryDirectory(prefix="dermograph-") as room:
        folder = _found(given, Path(room), base or Path.cwd())
        graph = Graph(read(content.modules(folder)))
        yield Side(given, folder, graph, index.build(graph))


def _found(given: str, room: Path, base: Path) -> Path:
    path = Path(given)
    if path.is_dir():
        return _ontology(path, given)
    if path.is_file():
        return _from_wheel(path, room)
    revision = _revision(given, base)
    if revision:
        return _from_git(revision, given, room, base)
    version = _VERSION.fullmatch(given)
    if version and version[1] == __version__ and _installed():
        return content.folder("ontology")
    if version:
        here = f"version {__version__} is installed" if _installed() else f"this is a checkout of {__version__}"
        raise InputError(
            f"{given}: that version is not here: the checkout has no tag v{version[1]}, and {here}",
            "nothing is fetched: give the wheel file of that version, or fetch its tag with git first",
        )
    raise InputError(f"{given}: {_reason(base)}", "name an ontology folder, a git revision of the current checkout, a wheel or a version")


def _reason(base: Path) -> str:
    try:
        done = _git(base, "rev-parse", "--show-toplevel")
    except FileNotFoundError:
        return "no such folder or wheel, and git, which would know a revision, is not installed"
    if done.returncode:
        return "no such folder or wheel, and the current folder is no git checkout that could have a revision of that name"
    return "no such folder, wheel, git revision or version"


def _ontology(folder: Path, given: str) -> Path:
    for found in (folder, folder / "ontology"):
        if (found / _CORE).is_file():
            return found
    raise InputError(f"{given}: no ontology is in it: neither {_CORE} nor ontology/{_CORE}", "name an ontology folder, or a checkout that holds one")


def _installed() -> bool:
    """Whether the content lies in the package, as it does where a wheel was installed."""
    return content.folder("ontology").parent == Path(content.__file__).resolve().parent


def _from_wheel(path: Path, room: Path) -> Path:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.startswith(_WITHIN_WHEEL) and ".." not in n]
            archive.extractall(room, names)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: it is no wheel: {error}", "name a folder, or the .whl file of a release") from error
    if not names:
        raise InputError(f"{path}: no ontology is in it: it has no {_WITHIN_WHEEL}", "name a wheel of dermograph")
    return room / _WITHIN_WHEEL


def _git(base: Path, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", "-C", str(base), *words], capture_output=True, check=False)


def _revision(given: str, base: Path) -> str:
    """Commit that a name stands for, a tag ``v1.0.0`` for the version ``1.0.0`` included; empty where there is none."""
    if given.startswith("-"):
        return ""
    try:
        tries = [f"refs/tags/v{given}", given] if _VERSION.fullmatch(given) else [given]
        for name in tries:
            done = _git(base, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            if done.returncode == 0:
                return done.stdout.decode().strip()
    except FileNotFoundError:
        pass
    return ""


def _from_git(commit: str, given: str, room: Path, base: Path) -> Path:
    top = Path(_git(base, "rev-parse", "--show-toplevel").stdout.decode().strip())
    listed = _git(top, "ls-tree", "-r", "--name-only", "-z", commit).stdout.decode().split("\0")
    places = sorted((name.removesuffix(_CORE) for name in listed if name == _CORE or name.endswith("/" + _CORE)), key=len)
    if not places:
        raise InputError(f"{given}: no ontology is in that revision: it has no {_CORE}", "name a revision of the checkout of the ontology")
    done = _git(top, "archive", "--format=tar", commit, *([places[0]] if places[0] else []))
    if done.returncode:
        raise InputError(f"{given}: git archive failed: {done.stderr.decode(errors='replace').strip()}", "check the checkout with git fsck")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(room, filter="data")
    return room / places[0]
