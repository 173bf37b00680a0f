"""Expressions of Ibis over one row, as wires of a circuit.

A truth is two wires, true and false, and unknown is neither, which is Kleene's logic. A whole number is either bits by their
place, or the values that it may have with a wire for each. What is compared with a constant becomes a question to a column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from operator import eq, ge, gt, le, lt
from typing import Any

import ibis.expr.operations as ops
import ibis.expr.types as ir

from dermograph.cohort.circuit import FALSE, TRUE, Circuit


@dataclass(frozen=True)
class Truth:
    """True, false, or neither."""

    true: int
    false: int


@dataclass(frozen=True)
class Places:
    """A whole number from 0 up, never null, by the places of its bits."""

    wires: dict[int, int]


@dataclass(frozen=True)
class Cases:
    """A whole number of which all values are known beforehand; null where none of the wires is true."""

    wires: dict[int, int]


@dataclass(frozen=True)
class Column:
    """A column of the facts, of any type; what is asked of it becomes a question."""

    name: str


Value = Truth | Places | Cases | Column | Decimal | str | None
"""What an expression is while it is lowered; a constant number other than a whole one is itself, and null is None."""
_FLIPPED = {"==": "==", ">=": "<=", ">": "<", "<=": ">=", "<": ">"}
_COMPARISONS = {ops.Equals: "==", ops.GreaterEqual: ">=", ops.Greater: ">", ops.LessEqual: "<=", ops.Less: "<"}
_TESTS: dict[str, Callable[[int, int], bool]] = {"==": eq, ">=": ge, ">": gt, "<=": le, "<": lt}
_PLACES = range(63)
_UNKNOWN = Truth(FALSE, FALSE)


class Lowering:
    """Stages of expressions put into a circuit, one after another.

    :param names: columns of the facts.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self.circuit = Circuit()
        self.columns: dict[str, Value] = {name: Column(name) for name in names}

    def stage(self, table: ir.Table) -> None:
        """Put in the columns of a stage, which is a selection from the one before."""
        project = table.op()
        found: dict[str, Value] = {}
        made: dict[ops.Value, Value] = {}
        for name, expression in project.values.items():
            found[name] = self._value(expression, made)
        self.columns = found

    def output(self, value: Value) -> tuple[str, dict[int, int]]:
        """Kind of a column that was put in, and its wires: by place, by number, or 1 for true and 0 for false."""
        match value:
            case Truth(true, false):
                return "truth", {1: true, 0: false}
            case Places(wires):
                return "bits", {place: wire for place, wire in wires.items() if wire != FALSE}
        return "cases", self._cases(value).wires

    def _value(self, op: Any, made: dict[ops.Value, Value]) -> Value:
        if op not in made:
            made[op] = self._lowered(op, made)
        return made[op]

    def _lowered(self, op: Any, made: dict[ops.Value, Value]) -> Value:
        def value(part: Any) -> Value:
            return self._value(part, made)

        match op:
            case ops.Field():
                return self.columns[op.name]
            case ops.Literal():
                return _literal(op)
            case ops.Cast():
                return self._cast(value(op.arg), op.to.is_integer())
            case ops.And() | ops.Or():
                return self._joined(isinstance(op, ops.And), self._truth(value(op.left)), self._truth(value(op.right)))
            case ops.Not():
                return _opposite(self._truth(value(op.arg)))
            case ops.IsNull():
                return self._certain(self._null(value(op.arg)))
            case ops.NotNull():
                return self._certain(self.circuit.invert(self._null(value(op.arg))))
            case ops.Coalesce():
                first, *others = [value(part) for part in op.arg]
                for other in others:
                    first = self._choose(self.circuit.invert(self._null(first)), first, other)
                return first
            case ops.IfElse():
                return self._choose(self._truth(value(op.bool_expr)).true, value(op.true_expr), value(op.false_null_expr))
            case ops.SearchedCase():
                found = value(op.default)
                for when, then in reversed(list(zip(op.cases, op.results, strict=True))):
                    found = self._choose(self._truth(value(when)).true, value(then), found)
                return found
            case ops.NotEquals():
                return _opposite(self._compared("==", value(op.left), value(op.right)))
            case ops.InValues():
                needle = value(op.value)
                alike = [self._compared("==", needle, value(option)) for option in op.options]
                return self._certain(self.circuit.any([one.true for one in alike]))
            case ops.BitwiseAnd() | ops.BitwiseOr():
                return self._bitwise(isinstance(op, ops.BitwiseAnd), self._places(value(op.left)), self._places(value(op.right)))
            case ops.BitwiseNot():
                wires = self._places(value(op.arg)).wires
                return Places({place: self.circuit.invert(wires.get(place, FALSE)) for place in _PLACES})
            case ops.Add():
                return self._sum(self._cases(value(op.left)), self._cases(value(op.right)))
            case ops.Greatest() | ops.Least():
                return self._extreme([self._cases(value(part)) for part in op.arg], isinstance(op, ops.Greatest))
            case _ if type(op) in _COMPARISONS:
                return self._compared(_COMPARISONS[type(op)], value(op.left), value(op.right))
        raise TypeError(f"no circuit is known for {type(op).__name__}")

    # --- kinds of values

    def _truth(self, value: Value) -> Truth:
        if isinstance(value, Column):
            true, null = self.circuit.ask((value.name, "true", "")), self.circuit.ask((value.name, "null", ""))
            return Truth(true, self.circuit.both(self.circuit.invert(true), self.circuit.invert(null)))
        if value is None:
            return _UNKNOWN
        if not isinstance(value, Truth):
            raise TypeError(f"{value} is no truth")
        return value

    def _places(self, value: Value) -> Places:
        if isinstance(value, Column):
            return Places({place: self.circuit.ask((value.name, "bit", str(place))) for place in _PLACES})
        if isinstance(value, Cases):
            found: dict[int, list[int]] = {}
            for number, wire in value.wires.items():
                for place in _PLACES:
                    if number >> place & 1:
                        found.setdefault(place, []).append(wire)
            return Places({place: self.circuit.any(wires) for place, wires in found.items()})
        if not isinstance(value, Places):
            raise TypeError(f"{value} has no bits")
        return value

    def _cases(self, value: Value) -> Cases:
        if value is None:
            return Cases({})
        if not isinstance(value, Cases):
            raise TypeError(f"the values of {value} are not known beforehand")
        return value

    def _cast(self, value: Value, whole: bool) -> Value:
        return Cases({1: value.true, 0: value.false}) if whole and isinstance(value, Truth) else value

    def _certain(self, wire: int) -> Truth:
        return Truth(wire, self.circuit.invert(wire))

    def _null(self, value: Value) -> int:
        match value:
            case None:
                return TRUE
            case Truth(true, false):
                return self.circuit.invert(self.circuit.either(true, false))
            case Cases(wires):
                return self.circuit.invert(self.circuit.any(list(wires.values())))
            case Column(name):
                return self.circuit.ask((name, "null", ""))
        return FALSE

    # --- what is made of them

    def _joined(self, both: bool, a: Truth, b: Truth) -> Truth:
        circuit = self.circuit
        if both:
            return Truth(circuit.both(a.true, b.true), circuit.either(a.false, b.false))
        return Truth(circuit.either(a.true, b.true), circuit.both(a.false, b.false))

    def _bitwise(self, both: bool, a: Places, b: Places) -> Places:
        join = self.circuit.both if both else self.circuit.either
        return Places({place: join(a.wires.get(place, FALSE), b.wires.get(place, FALSE)) for place in a.wires.keys() | b.wires.keys()})

    def _choose(self, when: int, a: Value, b: Value) -> Value:
        if when in (FALSE, TRUE):
            return a if when else b
        choose = self.circuit.choose
        if isinstance(a, Truth) or isinstance(b, Truth):
            one, other = self._truth(a), self._truth(b)
            return Truth(choose(when, one.true, other.true), choose(when, one.false, other.false))
        if isinstance(a, Places) or isinstance(b, Places):
            return Places(self._chosen(when, self._places(a).wires, self._places(b).wires))
        return Cases(self._chosen(when, self._cases(a).wires, self._cases(b).wires))

    def _chosen(self, when: int, a: dict[int, int], b: dict[int, int]) -> dict[int, int]:
        return {key: self.circuit.choose(when, a.get(key, FALSE), b.get(key, FALSE)) for key in sorted(a.keys() | b.keys())}

    def _compared(self, how: str, a: Value, b: Value) -> Truth:
        circuit = self.circuit
        if a is None or b is None:
            return _UNKNOWN
        if isinstance(b, Column):
            a, b, how = b, a, _FLIPPED[how]
        if isinstance(a, Column):
            true = circuit.ask((a.name, how, _constant(b)))
            return Truth(true, circuit.both(circuit.invert(true), circuit.invert(circuit.ask((a.name, "null", "")))))
        if isinstance(a, Places) or isinstance(b, Places):
            one, other = self._places(a).wires, self._places(b).wires
            if how != "==":
                raise TypeError(f"bits are compared by {how}")
            unlike = [self._unlike(one.get(place, FALSE), other.get(place, FALSE)) for place in one.keys() | other.keys()]
            return _opposite(self._certain(circuit.any(unlike)))
        left, right = self._cases(a).wires, self._cases(b).wires
        pairs = [circuit.both(w, v) for x, w in left.items() for y, v in right.items() if _TESTS[how](x, y)]
        true = circuit.any(pairs)
        known = circuit.both(circuit.any(list(left.values())), circuit.any(list(right.values())))
        return Truth(true, circuit.both(known, circuit.invert(true)))

    def _unlike(self, a: int, b: int) -> int:
        return self.circuit.either(self.circuit.both(a, self.circuit.invert(b)), self.circuit.both(b, self.circuit.invert(a)))

    def _sum(self, a: Cases, b: Cases) -> Cases:
        found: dict[int, list[int]] = {}
        for x, w in a.wires.items():
            for y, v in b.wires.items():
                found.setdefault(x + y, []).append(self.circuit.both(w, v))
        return Cases({number: self.circuit.any(wires) for number, wires in found.items()})

    def _extreme(self, parts: list[Cases], greatest: bool) -> Cases:
        """The greatest or least of some numbers, those that are null left out."""
        found, seen = {}, FALSE
        for number in sorted({n for part in parts for n in part.wires}, reverse=greatest):
            here = self.circuit.any([part.wires[number] for part in parts if number in part.wires])
            found[number] = self.circuit.both(here, self.circuit.invert(seen))
            seen = self.circuit.either(seen, here)
        return Cases(found)


def _opposite(one: Truth) -> Truth:
    return Truth(one.false, one.true)


def _literal(op: ops.Literal) -> Value:
    match op.value:
        case None:
            return None
        case bool(said):
            return Truth(TRUE, FALSE) if said else Truth(FALSE, TRUE)
        case int(number):
            return Cases({number: TRUE})
        case Decimal() | str():
            return op.value
    raise TypeError(f"no circuit is known for the constant {op.value!r}")


def _constant(value: Value) -> str:
    if isinstance(value, Cases) and list(value.wires.values()) == [TRUE]:
        return str(next(iter(value.wires)))
    if isinstance(value, Decimal | str):
        return str(value)
    raise TypeError(f"a column is compared with {value}, which is no constant")
