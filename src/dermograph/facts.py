"""From record to facts: what is true as of the day asked about, without dates."""

from __future__ import annotations

import pyoxigraph as ox

from dermograph.content import stage
from dermograph.store import Store


def derive(store: Store) -> list[ox.Triple]:
    """Run the facts queries in order, each seeing what the ones before it derived.

    :param store: holds the index and the records with canonical values; every derived fact is added to it.
    """
    derived: list[ox.Triple] = []
    for query in stage("facts"):
        found = store.construct(query)
        if found:
            store.add(found)
        derived += found
    return derived
