"""Spoilt documents are answered or refused with an error that is meant, whatever reads them."""

from __future__ import annotations

import pytest
from fuzz.targets import TARGETS, Target
from hypothesis import given, settings
from hypothesis import strategies as st

WORDS = [b"", b"\0", b'"', b"{", b"]", b"<", b"\xff\xfe", b"null", b"1e999", b"-1", b"0000-00-00", b"\\u0000", b"pt:Patient", b"a" * 5000]
SPOILT = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(WORDS)), min_size=1, max_size=4)
"""Places of a document, how much is taken out there, and what comes instead."""


def spoilt(document: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """A document with something else in some places."""
    for place, length, word in cuts:
        start = int(place * len(document))
        document = document[:start] + word + document[start + length :]
    return document


@pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))
def test_a_reader_holds_what_it_promises(target: Target) -> None:
    seeds = target.seeds()
    assert seeds

    @given(st.sampled_from(seeds), SPOILT)
    @settings(max_examples=60)
    def held(document: bytes, cuts: list[tuple[float, int, bytes]]) -> None:
        target.held(spoilt(document, cuts))

    held()
