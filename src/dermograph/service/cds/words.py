"""What stands on a card: plain text within its bounds, and Markdown in which nothing that is told is markup."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from dermograph.assessment import Reason, TherapyVerdict
from dermograph.terms import local_name

Tree = dict[str, Any]
LONGEST = 139
"""Most characters of a summary."""
_MARKUP = re.compile(r"([\\`*_\[\]<>#|~!])")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def short(text: str) -> str:
    """Text that fits in a summary, cut between words.

    >>> short("a " * 100)[-4:]
    'a a…'
    """
    plain = _CONTROL.sub(" ", text).strip()
    return plain if len(plain) <= LONGEST else plain[: LONGEST - 1].rsplit(" ", 1)[0].rstrip(" ,;:") + "…"


def md(text: str) -> str:
    r"""Text as it is, in Markdown.

    >>> md("<b>a_b</b>")
    '&lt;b&gt;a\\_b&lt;/b&gt;'
    """
    escaped = _MARKUP.sub(r"\\\1", _CONTROL.sub(" ", text).replace("&", "&amp;"))
    return escaped.replace(r"\<", "&lt;").replace(r"\>", "&gt;")


def listed(lines: Iterable[str]) -> str:
    """Lines of Markdown as a list, each once."""
    return "\n".join(f"- {line}" for line in dict.fromkeys(lines))


def cited(tree: Tree, statements: Iterable[str], sources: Iterable[str]) -> str:
    """Statements by their number, and references with where they were read."""
    told = [md(name) for name in statements]
    for name in sources:
        reference = tree["sources"].get(name, {})
        label, at = md(reference.get("label", local_name(name))), reference.get("at", "")
        told.append(f"[{label}]({quote(at, safe=_IN_ADDRESS)})" if at.startswith(("https://", "http://")) else label)
    return f" ({', '.join(told)})" if told else ""


_IN_ADDRESS = "%/:?&=#+,;@~.-_"


def reason(tree: Tree, one: Reason) -> str:
    """A reason in Markdown with its sources."""
    return f"{md(one.kind.replace('-', ' '))}: {md(one.label)}{cited(tree, one.statements, one.sources)}"


def regimens(verdict: TherapyVerdict) -> list[str]:
    """How a therapy is given, in Markdown."""
    return [md(r.text + (f" ({r.regulator})" if r.regulator else "")) for r in verdict.regimens]
