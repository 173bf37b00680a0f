"""The race: each peer has to agree with Dermograph first, and is timed then."""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from dermograph import Knowledge
from peers import cohort, cql, jena, owl, shacl, stores, virtuoso
from peers.peer import SAMPLE, Answer, Peer, differences
from peers.people import People
from peers.rules import Rules

RUNS = 3
LONG = 20.0
"""Seconds of a run after which a peer is not run again."""
SHOWN = 5


@dataclass
class Row:
    """A line of the table."""

    peer: Peer
    patients: int
    checked: int
    seconds: list[float] = field(default_factory=list)

    @property
    def speed(self) -> float:
        """Patients a second."""
        return self.patients / statistics.median(self.seconds)


class Race:
    """A race between some peers.

    :param most: patients that no peer gets more of.
    """

    def __init__(self, rules: Rules, room: Path, most: int) -> None:
        self.rules, self.most = rules, most
        self.people = cache(lambda count: People(rules, room, count))

    def row(self, peer: Peer) -> Row:
        """Check a peer.

        :raises SystemExit: it does not agree, so it is not timed.
        """
        patients = min(peer.most, self.most)
        sample: People = self.people(min(SAMPLE, patients))
        self._held(peer, sample, peer.answer(sample))
        return Row(peer, patients, sample.count)

    def _held(self, peer: Peer, sample: People, answer: Answer) -> None:
        if wrong := differences(sample, answer):
            raise SystemExit(f"{peer.name} does not agree with Dermograph at {len(wrong)} places:\n" + "\n".join(wrong[:SHOWN]))

    def time(self, row: Row) -> None:
        """Time a peer, and look again at what it says of the first patients."""
        people = self.people(row.patients)
        for _ in range(RUNS):
            answer = row.peer.answer(people)
            self._held(row.peer, self.people(row.checked), answer)
            row.seconds.append(answer.seconds)
            if answer.seconds > LONG:
                break


def peers(rules: Rules) -> dict[str, list[Peer]]:
    """Every peer, by the word that it is picked by; Dermograph itself first."""
    return {
        "dermograph": cohort.peers(rules),
        "stores": stores.peers(rules),
        "jena": [jena.Jena(rules), jena.JenaFromRecord(rules)],
        "virtuoso": [virtuoso.Virtuoso(rules)],
        "cql": [cql.Cql(rules)],
        "shacl": [shacl.PyShacl(rules)],
        "owl": [owl.Hermit(rules)],
    }


def main() -> None:
    """Run the race and print the table."""
    parser = argparse.ArgumentParser(description="What a user would pick instead of Dermograph for a population, beside it.")
    parser.add_argument("--patients", type=int, default=1_000_000, metavar="N", help="no peer gets more patients than this")
    parser.add_argument("peers", nargs="*", metavar="PEER", help="run these alone, beside Dermograph: stores, jena, virtuoso, cql, shacl, owl")
    given = parser.parse_args()
    rules = Rules(Knowledge.load())
    all_peers = peers(rules)
    if unknown := set(given.peers) - all_peers.keys():
        parser.error(f"no peer is named {' or '.join(sorted(unknown))}: {', '.join(all_peers)} are")
    own = all_peers.pop("dermograph")
    others = [peer for word, some in all_peers.items() for peer in some if word in (given.peers or all_peers)]
    with tempfile.TemporaryDirectory() as room:
        race = Race(rules, Path(room), given.patients)
        rows, skipped = [], []
        for peer in (*own, *others):
            if why := peer.missing():
                skipped.append(f"Skipped: {peer.name}: {why}.")
                continue
            print(f"{peer.name} …", file=sys.stderr, flush=True)
            rows.append(race.row(peer))
            race.time(rows[-1])
        if others:
            for row in rows:
                if row.peer in own:
                    race.time(row)
        print(table(rows))
        print(*skipped, sep="\n")


def table(rows: list[Row]) -> str:
    """The table as Markdown, with how many times faster Dermograph is."""
    bases = [next((row.speed for row in rows if type(row.peer) is base), None) for base in (cohort.FromTables, cohort.FromRdf)]
    lines = [
        f"| {os.cpu_count()} cores | version | patients | patients a second | Dermograph from tables is | from RDF is | agrees on |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in rows:
        times = ["-" if base is None else f"{_figures(base / row.speed)} ×" for base in bases]
        cells = [row.peer.name, row.peer.version(), f"{row.patients:,}", _figures(row.speed), *times, f"{row.checked} of {row.checked}"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _figures(number: float) -> str:
    """A number with the figures that mean something."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"
