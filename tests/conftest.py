"""The knowledge, loaded once, and a browser or a database for those who need one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browsers import CHROMIUM, FLAGS, axe_script
from hypothesis import Phase, settings
from servers import Postgres

from dermograph import Knowledge

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

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


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        profile = tmp_path_factory.mktemp("profile")
        context = playwright.chromium.launch_persistent_context(profile, executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield context
        context.close()


@pytest.fixture(scope="session")
def axe() -> str:
    return axe_script()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres.started() as server:
        yield server
