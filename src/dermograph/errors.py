"""Everything that can go wrong, as one tree.

```
DermographError            code 1: a bug, or a failure nobody foresaw
├── UsageError             code 2: the command line asks for something that does not exist
├── InputError             code 3: an input cannot be read
│   └── InvalidInput       code 3: an input was read and breaks a shape
└── KnowledgeError         code 3: the ontology that was given cannot be used
```
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

TOLD = 20
"""Findings that a message tells; the error holds all."""
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


class DermographError(Exception):
    """Base of every error that Dermograph raises on purpose.

    :param message: what is wrong, naming file and node.
    :param hint: how to mend it.
    """

    code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  mend: {self.hint}" if self.hint else self.message


class UsageError(DermographError):
    """The caller asked for a thing that does not exist."""

    code = 2


class InputError(DermographError):
    """An input cannot be read."""

    code = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One breach of a shape.

    :param shape: name of the shape.
    :param node: the node that breaks it, compact IRI or blank node label.
    :param message: what is wrong and how to mend it.
    :param severity: ``Violation``, ``Warning`` or ``Info``.
    :param patient: the patient that the node belongs to.
    :param focus: the node that breaks it as the graph has it: an IRI, or the label of a blank node.
    :param path: the property that is to be mended, where the shape names one.
    """

    shape: str
    node: str
    message: str
    severity: str = "Violation"
    patient: str = ""
    focus: str = field(default="", compare=False)
    path: str = field(default="", compare=False)


class InvalidInput(InputError):
    """An input was read and breaks a shape.

    :param findings: every breach that was found.
    """

    def __init__(self, source: str, findings: Sequence[Finding]) -> None:
        lines = [f"{source}: {f.patient or f.node}: {f.message} [{f.shape}]" for f in findings[:TOLD]]
        if len(findings) > TOLD:
            lines.append(f"{source}: and {len(findings) - TOLD:,} more findings")
        super().__init__("\n".join(lines))
        self.source = source
        self.findings = tuple(findings)


class KnowledgeError(DermographError):
    """The ontology cannot be used as it is.

    :param node: the node that is to blame, where there is one.
    :param predicate: its property that is to blame.
    """

    code = 3

    def __init__(self, message: str, hint: str = "", node: str = "", predicate: str = "") -> None:
        super().__init__(message, hint)
        self.node = node
        self.predicate = predicate


def unwritable(folder: Path, error: OSError) -> DermographError:
    """What to tell of a folder that cannot be written, or not any more."""
    message = f"{folder}: {error.strerror or error}"
    if error.errno in _FULL:
        return InputError(message, "make room on the disk, and give the same command again")
    return UsageError(message, "name a folder that can be written")
