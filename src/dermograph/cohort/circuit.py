"""A logic circuit of and, or and not over many patients at once, a bit for each patient.

What a guideline makes of the facts of a patient turns on yes and no alone once each number has been held to its thresholds.
So the stages from criteria to verdicts are one circuit: its inputs are questions about a column of the facts, its outputs
bits of the answers. A wire holds one bit for each patient of a block, and one machine instruction works a gate for 64 of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]
Question = tuple[str, str, str]
"""What an input asks: the column, how (``bit``, ``null``, ``true``, ``==``, ``>=``, ``>``, ``<=``, ``<``), and of what."""
FALSE, TRUE = 0, 1
_INPUT, _NOT, _AND, _OR = "input", "not", "and", "or"
Gate = tuple[str, Any, Any]
Step = tuple[str, int, int, int]
"""A gate as it is run: its kind, the registers that it reads, and the one that it writes."""


@dataclass
class Circuit:
    """Gates by the number of the wire that each drives; equal gates are one, and what is constant is folded.

    Wires 0 and 1 are false and true. A gate is driven by wires of smaller numbers.
    """

    gates: list[Gate] = field(default_factory=lambda: [("constant", False, None), ("constant", True, None)])
    known: dict[Gate, int] = field(default_factory=dict)

    def _wire(self, gate: Gate) -> int:
        if (found := self.known.get(gate)) is None:
            found = self.known[gate] = len(self.gates)
            self.gates.append(gate)
        return found

    def ask(self, question: Question) -> int:
        """The wire of an input."""
        return self._wire((_INPUT, question, None))

    def invert(self, a: int) -> int:
        """The wire of *not a*."""
        if a in (FALSE, TRUE):
            return TRUE - a
        kind, inner, _ = self.gates[a]
        return int(inner) if kind == _NOT else self._wire((_NOT, a, None))

    def both(self, a: int, b: int) -> int:
        """The wire of *a and b*."""
        if a > b:
            a, b = b, a
        if a == FALSE or self._opposite(a, b):
            return FALSE
        return b if a in (TRUE, b) else self._wire((_AND, a, b))

    def either(self, a: int, b: int) -> int:
        """The wire of *a or b*."""
        if a > b:
            a, b = b, a
        if a == TRUE or self._opposite(a, b):
            return TRUE
        return b if a in (FALSE, b) else self._wire((_OR, a, b))

    def choose(self, when: int, a: int, b: int) -> int:
        """The wire of *a* where another is true, else *b*."""
        return a if a == b else self.either(self.both(when, a), self.both(self.invert(when), b))

    def any(self, wires: Sequence[int]) -> int:
        """The wire of *one of them*."""
        found = FALSE
        for wire in sorted(set(wires)):
            found = self.either(found, wire)
        return found

    def _opposite(self, a: int, b: int) -> bool:
        return self.gates[b] == (_NOT, a, None) or self.gates[a] == (_NOT, b, None)

    def plan(self, outputs: Sequence[int]) -> Plan:
        """The steps that drive some wires, with as few registers as live wires need."""
        wanted = set(outputs)
        for wire in range(len(self.gates) - 1, TRUE, -1):
            if wire in wanted:
                kind, a, b = self.gates[wire]
                wanted |= {a} if kind == _NOT else {a, b} if kind != _INPUT else set()
        last = {}
        for wire in sorted(wanted - {FALSE, TRUE}):
            kind, a, b = self.gates[wire]
            if kind != _INPUT:
                last[a] = wire
                last[b if b is not None else a] = wire
        kept = {FALSE, TRUE, *outputs}
        registers, free, most = {FALSE: FALSE, TRUE: TRUE}, list[int](), 2
        questions: list[tuple[Question, int]] = []
        steps: list[Step] = []
        for wire in sorted(wanted - {FALSE, TRUE}, key=lambda wire: (self.gates[wire][0] != _INPUT, wire)):
            kind, a, b = self.gates[wire]
            used = [] if kind == _INPUT else [a] if b is None else [a, b]
            places = [registers[one] for one in used]
            free += [registers[one] for one in used if last[one] == wire and one not in kept]
            place = free.pop() if free else most
            most = max(most, place + 1)
            registers[wire] = place
            if kind == _INPUT:
                questions.append((a, place))
            else:
                steps.append((kind, places[0], places[-1], place))
        return Plan(most, questions, steps, [registers[wire] for wire in outputs])


@dataclass(frozen=True)
class Plan:
    """A circuit made ready to be run: plain numbers, which are kept from run to run.

    :param registers: how many wires are held at once; the first two are false and true.
    :param questions: inputs with the register of each.
    :param steps: gates in their order; *not* names the register that it reads twice.
    :param outputs: registers of the outputs.
    """

    registers: int
    questions: list[tuple[Question, int]]
    steps: list[Step]
    outputs: list[int]


@dataclass(frozen=True)
class Output:
    """A column of the last stage, as the wires of a plan drive it.

    :param kind: ``truth``, with the wires 1 for true and 0 for false; ``bits``, by the place of each; or ``cases``, by number.
    :param wires: places among the outputs of the plan.
    """

    kind: str
    wires: dict[int, int]
