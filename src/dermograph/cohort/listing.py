"""What lies in a folder: read, plainly no data, or a reason to stop, so that no table is lost for its name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from dermograph.errors import InputError
from dermograph.record import printable

_BESIDE = re.compile(
    r"[._].*|~\$.*|thumbs\.db|desktop\.ini|.*\.(crc|md5|sha\d+)|(md5|sha\d+)sums?(\.txt)?|index\.html?|"
    r"(readme|licen[cs]e|notice|copying|changelog|changes|citation)([^.]*|.*\.(md|txt|rst|html?|pdf|cff))|"
    r"(.*\.)?(datapackage|schema|manifest|tables)\.json|datapackage\.ya?ml",
    re.IGNORECASE,
)
"""Names of what is no data: marks of Spark and of systems, checksums, what is to be read by people, and schemas."""


def refuse_strangers(folder: Path | str, names: Iterable[str], read: Collection[str], hint: str) -> None:
    """See that nothing in a folder is passed over.

    :param names: names of what lies there.
    :param read: those that are read, or are known not to be.
    :param hint: what the names of files that are read look like.
    :raises InputError: something else lies there.
    """
    strange = sorted(name for name in names if name not in read and not _BESIDE.fullmatch(name))
    if strange:
        few = ", ".join(map(printable, strange[:5])) + (f" and {len(strange) - 5:,} more" if len(strange) > 5 else "")
        told = "does not look like anything that is read" if len(strange) == 1 else "do not look like anything that is read"
        raise InputError(f"{printable(str(folder))}: {few} {told}", f"{hint}; rename it so, or move it elsewhere if it is none")


def parts(folder: Path) -> list[Path]:
    """The files of a table that lies in a folder, in the order of their names, as Spark has them too."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith((".", "_")) and path.is_file())


def refuse_strange_parts(folder: Path) -> None:
    """See that nothing but parts is in the folder of a table.

    :raises InputError: something else lies there.
    """
    names = (path.name for path in folder.iterdir())
    refuse_strangers(folder, names, {path.name for path in parts(folder)}, "the folder of a table holds its parts, each *.parquet, and no folders")


def refuse_closed(paths: Iterable[Path]) -> None:
    """See that files can be opened.

    :raises InputError: one cannot.
    """
    for path in paths:
        try:
            path.open("rb").close()
        except OSError as error:
            raise InputError(f"{printable(str(path))}: {error.strerror or error}", "see that it is there, and that you may read it") from error


def listed(paths: Iterable[Path]) -> str:
    """Files as DuckDB reads them: their names as a list of texts, in which nothing stands for other names."""
    return "[" + ", ".join(f"'{literal(path)}'" for path in paths) + "]"


def literal(path: Path) -> str:
    """The name of a file that is to be read as it stands in a text of SQL: nothing in it stands for other names."""
    return re.sub(r"[*?\[]", r"[\g<0>]", text(path))


def text(path: Path) -> str:
    """The name of a file or folder as it stands in a text of SQL."""
    return path.as_posix().replace("'", "''")
