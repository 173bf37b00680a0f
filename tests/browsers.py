"""The browser that pages are held to: Debian's Chromium."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

CHROMIUM = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install -y chromium")
"""Marks what is left out where there is no browser."""


def axe_script() -> str:
    """The script of axe-core, which finds what keeps people from reading a page."""
    spec = find_spec("axe_playwright_python")
    assert spec and spec.origin, "install the test extra"
    (script,) = Path(spec.origin).parent.rglob("axe.min.js")
    return script.read_text(encoding="utf-8")
