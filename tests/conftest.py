"""The knowledge, loaded once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from dermograph import Knowledge

# A random patient does not shrink in bounded time, and the seed repeats it as it is.
settings.register_profile("bounded", phases=(Phase.explicit, Phase.generate), derandomize=True, deadline=None)
settings.load_profile("bounded")


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder of this run's own, so that no test leans on what an earlier run left."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["DERMOGRAPH_CACHE"] = str(folder)
    yield folder
    del os.environ["DERMOGRAPH_CACHE"]


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    return Knowledge.load()
