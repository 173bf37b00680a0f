"""The encodings of the race in ``tests/bench/peers`` still say what Dermograph says."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peers import cql, shacl, stores
from peers.peer import Peer, differences
from peers.people import People
from peers.rules import Rules

from dermograph import Knowledge

PATIENTS = 10
QUICK: dict[str, Callable[[Rules], Peer]] = {
    "oxigraph": lambda rules: stores.compiled(rules, "oxigraph"),
    "rdflib": lambda rules: stores.compiled(rules, "rdflib"),
    "shacl": shacl.PyShacl,
    "cql": cql.Cql,
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory, knowledge: Knowledge) -> People:
    return People(Rules(knowledge), tmp_path_factory.mktemp("race"), PATIENTS)


@pytest.mark.parametrize("name", QUICK)
def test_a_peer_finds_every_truth_and_status(people: People, name: str) -> None:
    peer: Peer = QUICK[name](people.rules)
    if lacking := peer.missing():
        pytest.skip(lacking)
    assert differences(people, peer.answer(people)) == []


def test_one_wrong_status_and_one_wrong_truth_are_told(people: People) -> None:
    answer = stores.compiled(people.rules, "oxigraph").answer(people)
    assert answer.found
    last = 1 << PATIENTS - 1
    answer.statuses["ad:Dupilumab"]["excluded"] = answer.statuses["ad:Dupilumab"].get("excluded", 0) ^ last
    answer.found.true["ad:HasPregnancy"] ^= last
    who = people.names[-1]
    assert differences(people, answer) == [f"{who}: ad:Dupilumab excluded", f"{who}: ad:HasPregnancy"]
