"""What is wrong with the Turtle of one file, told at the line where an author mends it.

A parser stops where it cannot go on, which for a forgotten full stop is the next statement. Here the words before that
place are read again to find what was forgotten.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dermograph.terms import PREFIXES
from dermograph.workbench.positions import TOKEN
from dermograph.workbench.problems import Problem

_CLOSING = {"]": "[", ")": "(", "}": "{"}
_MARKS = {".", ";", ",", "[", "]", "(", ")"}
_NUMBER = re.compile(r"[+-]?[0-9]+")
_COMMA = re.compile(r"(?<![\w\"'.,-])[+-]?[0-9]+,[0-9]+(?![\w,])")
_PREFIX = re.compile(r"^[ \t]*@?prefix[ \t]+([\w-]*):[ \t]*<([^<>\s]*)>", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    line: int
    column: int
    offset: int


def fault(text: str, file: str, error: SyntaxError) -> Problem:
    """Why a text could not be parsed, from the error of the parser."""
    line = error.lineno or 1
    what = re.sub(r"^Parser error at line \d+ (?:column \d+|between columns \d+ and \d+): ", "", error.msg)
    undeclared = re.match(r"The prefix (\S*): has not been declared", what)
    last = (line, error.offset or 1) if what != "Unexpected end" else (len(text), 0)
    words = [word for word in _words(text) if (word.line, word.column) <= last]
    statement, brackets, breach = _open_statement(words)
    node = statement[0].text if statement and ":" in statement[0].text else ""
    if undeclared:
        return Problem(file, line, "parse", node, *_prefix(undeclared[1], text))
    if "Line jumps" in what or "string literal" in what:
        message = "the text that begins on this line has no closing quotation mark"
        return Problem(file, line, "parse", node, message, "close it, or write a text of several lines between three quotation marks")
    if brackets and (breach or what == "Unexpected end" or "should end with" in what):
        opened = brackets[-1]
        closing = next(c for c, o in _CLOSING.items() if o == opened.text)
        return Problem(file, opened.line, "parse", node, f"the {opened.text} on this line is not closed", f"close it with {closing}")
    if what == "Unexpected end" and statement:
        breach = len(words)
    if breach:
        begun, ended = statement[0], words[breach - 1]
        after = f" before {words[breach].text} on line {words[breach].line}" if breach < len(words) else ""
        what = f"the statement that begins on line {begun.line} has no full stop{after}"
        return Problem(file, ended.line, "parse", node, what, "end this line with a full stop")
    if what.startswith("A dot is expected") and len(words) > 1:
        here, before = words[-1], words[-2]
        what = f"a mark is missing between {before.text} and {here.text}"
        mend = "put ; before a further property, or , before a further value"
        return Problem(file, before.line, "parse", node, what, f"{mend} of {node or 'the node'}")
    return Problem(file, line, "parse", node, what, "mend the Turtle at that line")


def commas(text: str, file: str) -> list[Problem]:
    """Numbers written with a comma, which Turtle reads as two numbers."""
    if not _COMMA.search(text):
        return []
    found, subject, words = [], "", list(_words(text))
    for place, word in enumerate(words):
        if word.column == 1 and word.text not in _MARKS:
            subject = word.text
        if word.text != "," or not 0 < place < len(words) - 1:
            continue
        one, other = words[place - 1], words[place + 1]
        near = one.offset + len(one.text) == word.offset and word.offset + 1 == other.offset
        if near and _NUMBER.fullmatch(one.text) and _NUMBER.fullmatch(other.text):
            message = f"{one.text},{other.text} is two numbers: Turtle reads the comma as a mark between values"
            mend = f"write {one.text}.{other.text}, or a space on each side of the comma where two values are meant"
            found.append(Problem(file, word.line, "decimal-comma", subject, message, mend))
    return found


def prefixes(text: str, file: str) -> list[Problem]:
    """Declarations of prefixes that differ from those of the ontology."""
    found = []
    called = {iri: name for name, iri in PREFIXES.items()}
    for row in _PREFIX.finditer(text):
        name, iri = row[1], row[2]
        if PREFIXES.get(name) == iri:
            continue
        if name in PREFIXES:
            message, mend = f"the prefix {name}: stands for <{iri}> here and for <{PREFIXES[name]}> elsewhere", f"write <{PREFIXES[name]}>"
        elif iri in called:
            message, mend = f"the namespace <{iri}> is called {name}: here and {called[iri]}: elsewhere", f"call it {called[iri]}:"
        else:
            near = difflib.get_close_matches(iri, called, n=1, cutoff=0.9)
            message = f"the prefix {name}: stands for <{iri}>, which prefixes.ttl does not declare"
            mend = f"write {called[near[0]]}: <{near[0]}>" if near else "keep to the prefixes of prefixes.ttl, and write other IRIs in full"
        found.append(Problem(file, text.count("\n", 0, row.start(1)) + 1, "prefix", "", message, mend))
    return found


def _prefix(name: str, text: str) -> tuple[str, str]:
    """What is wrong with a prefix that is not declared, and the mend."""
    declared = {row[1] for row in _PREFIX.finditer(text)}
    if name in PREFIXES:
        return f"the prefix {name}: is not declared in this file", f"add @prefix {name}: <{PREFIXES[name]}> . at the top"
    near = difflib.get_close_matches(name, sorted(declared | set(PREFIXES)), n=1, cutoff=0.5)
    return f"the prefix {name}: is not declared" + (f"; the nearest is {near[0]}:" if near else ""), (
        f"write {near[0]}:" if near else "take one of the prefixes of prefixes.ttl, and declare it at the top"
    )


def _words(text: str) -> Iterator[_Word]:
    line, start, end = 1, 0, 0
    for token in TOKEN.finditer(text):
        jumps = text.count("\n", end, token.start())
        if jumps:
            line += jumps
            start = text.rfind("\n", end, token.start()) + 1
        end = token.start()
        if not token["comment"]:
            yield _Word(token[0], line, token.start() - start + 1, token.start())


def _open_statement(words: list[_Word]) -> tuple[list[_Word], list[_Word], int]:
    """The statement that is open after the words, its open brackets, and the place of the word that begins another.

    A word that begins a line without indentation begins a statement; the place is 0 where none does.
    """
    statement: list[_Word] = []
    brackets: list[_Word] = []
    for place, word in enumerate(words):
        if statement and word.column == 1 and word.text not in _MARKS:
            if statement[0].text.lower() == "prefix":
                statement = []
            else:
                return statement, brackets, place
        statement.append(word)
        if word.text in _CLOSING.values():
            brackets.append(word)
        elif word.text in _CLOSING and brackets and brackets[-1].text == _CLOSING[word.text]:
            brackets.pop()
        elif word.text == "." and not brackets:
            statement = []
    return statement, brackets, 0
