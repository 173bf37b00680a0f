"""Products that records of many patients refer to, kept in SQLite while Bulk Data is read: by kind and id, and by identifier."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

from dermograph.errors import InputError
from dermograph.fhir import parsing
from dermograph.record import printable


def create(products: sqlite3.Connection) -> None:
    """Make the tables."""
    products.execute("CREATE TABLE product (name TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID")
    products.execute("CREATE TABLE twice (name TEXT PRIMARY KEY) WITHOUT ROWID")
    products.execute("CREATE TABLE identifier (system TEXT, value TEXT, name TEXT, PRIMARY KEY (system, value, name)) WITHOUT ROWID")


def keep(products: sqlite3.Connection, name: str, line: bytes, resource: dict[str, Any]) -> bool:
    """Keep a product; whether it is not there already in other words: if it is, nobody who refers to it can be assessed.

    :param name: kind and id.
    """
    added = products.execute("INSERT OR IGNORE INTO product VALUES (?, ?)", (name, line))
    for key in filter(None, map(_identifier, _objects(resource.get("identifier")))):
        products.execute("INSERT OR IGNORE INTO identifier VALUES (?, ?, ?)", (*key, name))
    fits = added.rowcount > 0 or _line(products, name) == line
    if not fits:
        products.execute("INSERT OR IGNORE INTO twice VALUES (?)", (name,))
    return fits


def referred(products: sqlite3.Connection, values: Sequence[dict[str, Any]]) -> list[Any]:
    """What records refer to outside themselves, and what that is made of.

    :raises InputError: one of it is there twice, in different words.
    """
    found: dict[str, Any] = {}
    todo = [one.get("medicationReference") for value in values for one in (value, *_objects(value.get("contained")))]
    todo += [part.get("itemReference") for value in values for one in _objects(value.get("contained")) for part in _objects(one.get("ingredient"))]
    while todo:
        for name in _names(todo.pop(), products):
            line = None if name in found else _line(products, name)
            if line and products.execute("SELECT 1 FROM twice WHERE name = ?", (name,)).fetchone():
                raise InputError(f"{printable(name)} is there twice, in different words", "keep the one that holds")
            if line:
                found[name] = parsing.value(line, name)
                todo += [part.get("itemReference") for part in _objects(found[name].get("ingredient"))]
    return [found[name] for name in sorted(found)]


def _line(products: sqlite3.Connection, name: str) -> bytes | None:
    row = products.execute("SELECT line FROM product WHERE name = ?", (name,)).fetchone()
    return row[0] if row else None


def _names(pointer: Any, products: sqlite3.Connection) -> Iterator[str]:
    """Kind and id of the products that a Reference may point at."""
    if not isinstance(pointer, dict):
        return
    if isinstance(reference := pointer.get("reference"), str) and not reference.startswith("#"):
        yield "/".join(reference.partition("/_history/")[0].split("/")[-2:])
        system, bar, value = unquote(reference.partition("?identifier=")[2]).partition("|")
        if bar:
            yield from _identified((system, value), products)
    if key := _identifier(pointer.get("identifier")):
        yield from _identified(key, products)


def _identified(key: tuple[str, str], products: sqlite3.Connection) -> list[str]:
    return [name for (name,) in products.execute("SELECT name FROM identifier WHERE system = ? AND value = ? ORDER BY name", key)]


def _identifier(value: Any) -> tuple[str, str] | None:
    """System and value of an Identifier."""
    system, text = (value.get("system") or "", value.get("value")) if isinstance(value, dict) else ("", None)
    return (system, text) if isinstance(system, str) and isinstance(text, str) and text else None


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of an array, where it is one."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
