"""Plain patients of a block as rows of the tables, column by column, without a look at one triple after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dermograph.cohort.rdf.nodes import CAUSES, TABLES, Flags, Nodes, Places, role
from dermograph.cohort.rdf.words import ABSENT, CAUSE, SCHEMAS, TYPE, Words, said_of
from dermograph.cohort.tables import KEYS

_CAUSED = CAUSE.removeprefix("pt:")


class Plain:
    """What the nodes of a block say, as values of columns; a node of which a value is not plain is marked as odd.

    :param nodes: the nodes, which are not asked for patients before this.
    """

    def __init__(self, nodes: Nodes, words: Words) -> None:
        self.nodes, self._words = nodes, words
        self._values: dict[str, tuple[pa.Array, Places]] = {}
        for table in TABLES:
            for column in said_of(table):
                if column not in self._values:
                    rows = nodes.rows(f"pt:{column}")
                    if f"pt:{column}" in words.single:
                        self._values[column] = self._read(rows, words.read(table, column), SCHEMAS[table].field(column).type)
                    else:
                        self._values[column] = self._several(rows, words.read(table, column))
        typed = nodes.rows(TYPE)
        roles = nodes.role[nodes.subject[typed]]
        for table in TABLES[1:]:
            if table != "absences":
                self._values[KEYS[table]] = self._read(typed[roles == role(table)], words.kinds[table].get, pa.string())
        self._causes = self._read(typed[roles == CAUSES], words.kinds["courses"].get, pa.string())
        self._absent = nodes.rows(ABSENT)
        self._absences = self._terms(self._absent, words.kinds["absences"].get, pa.string())
        self._refuse_twice(self._absent, self._absences[1])

    def _terms(self, rows: Places, read: Callable[[str], Any], kind: pa.DataType) -> tuple[pa.Array, Places]:
        """Values of the objects of triples, each once, and the place of that of each triple, or -1."""
        objects = self.nodes.objects(rows)
        used, places = np.unique(objects, return_inverse=True)
        values = [read(term) for term in self.nodes.triples.objects.terms.take(pa.array(used)).to_pylist()]
        if None in values:
            known = np.array([value is not None for value in values])
            places = np.where(known[places], (np.cumsum(known) - 1)[places], -1)
            values = [value for value in values if value is not None]
            self.nodes.odd[self.nodes.subject[rows[places < 0]]] = True
        if pa.types.is_dictionary(kind):
            kind = pa.string()
        return pa.array(values, kind), places

    def _read(self, rows: Places, read: Callable[[str], Any], kind: pa.DataType) -> tuple[pa.Array, Places]:
        """Values, and for each node the place of its own, or -1."""
        self.nodes.once(rows)
        values, places = self._terms(rows, read, kind)
        found = np.full(self.nodes.count, -1)
        found[self.nodes.subject[rows]] = places
        return values, found

    def _several(self, rows: Places, read: Callable[[str], Any]) -> tuple[pa.Array, Places]:
        """Values of which a node may say several, joined by spaces in the order of their lines."""
        words, places = self._terms(rows, read, pa.string())
        self._refuse_twice(rows, places)
        whose = self.nodes.subject[rows]
        order = np.argsort(whose, kind="stable")
        nodes, starts = np.unique(whose[order], return_index=True)
        lists = pa.ListArray.from_arrays(
            pa.array(np.append(starts, len(order)), pa.int32()), words.take(pa.array(places[order], mask=places[order] < 0))
        )
        joined = pc.binary_join(lists, " ").dictionary_encode()
        found = np.full(self.nodes.count, -1)
        found[nodes] = joined.indices.fill_null(-1).to_numpy()
        return joined.dictionary, found

    def _refuse_twice(self, rows: Places, places: Places) -> None:
        """Mark the nodes that say the same value twice."""
        pairs, count = np.unique(self.nodes.subject[rows].astype(np.int64) << 32 | np.maximum(places, 0), return_counts=True)
        self.nodes.odd[pairs[count > 1] >> 32] = True

    def tables(self, names: pa.Array, odd: Flags) -> dict[str, pa.Table]:
        """Rows of the tables.

        :param names: name of each patient, in their order.
        :param odd: patients whose rows are left out.
        """
        nodes = self.nodes
        kept = (nodes.owner == np.arange(nodes.count)) & ~odd
        place = np.full(nodes.count, -1)
        place[nodes.patients] = np.arange(len(nodes.patients))
        kept_nodes = (nodes.owner >= 0) & kept[np.maximum(nodes.owner, 0)]
        found = {}
        for table in TABLES:
            if table == "absences":
                rows = np.flatnonzero(kept[nodes.subject[self._absent]])
                own = nodes.subject[self._absent[rows]]
                columns = {KEYS[table]: self._worded(self._absences[0], self._absences[1][rows])}
            else:
                records = np.flatnonzero((nodes.role == role(table)) & kept_nodes)
                records = records[np.argsort(nodes.first[records])]
                own = nodes.owner[records]
                columns = {c: self._column(table, c, records) for c in SCHEMAS[table].names[1:]}
            patient = pa.DictionaryArray.from_arrays(pa.array(place[own], pa.int32()), names)
            found[table] = pa.table([patient, *(columns[c] for c in SCHEMAS[table].names[1:])], schema=SCHEMAS[table])
        return found

    def _column(self, table: str, column: str, records: Places) -> pa.Array:
        if column == _CAUSED:
            values, place = self._causes
            at = np.full(len(records), -1)
            causes = self.nodes.cause[records]
            at[causes >= 0] = place[causes[causes >= 0]]
        else:
            values, place = self._values[column]
            at = place[records]
        if pa.types.is_dictionary(SCHEMAS[table].field(column).type):
            return self._worded(values, at)
        return values.take(pa.array(at, mask=at < 0))

    def _worded(self, values: pa.Array, at: Places) -> pa.Array:
        return pa.DictionaryArray.from_arrays(pa.array(at, pa.int32(), mask=at < 0), values)
