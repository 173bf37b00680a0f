"""The wheel brings its ontology and queries and works away from the checkout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def pip(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words], check=True)


def test_the_wheel_works_elsewhere(tmp_path: Path) -> None:
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT))
    (wheel,) = tmp_path.glob("dermograph-*.whl")
    brought = {name.partition("/service/web/")[2] for name in zipfile.ZipFile(wheel).namelist()}
    web = ROOT / "src" / "dermograph" / "service" / "web"
    assert {path.relative_to(web).as_posix() for path in web.rglob("*") if path.is_file()} <= brought
    pip("install", "--no-deps", "--target", str(tmp_path / "site"), str(wheel))
    run = subprocess.run(
        [sys.executable, "-m", "dermograph", "assess", str(ROOT / "tests" / "readme" / "mia.ttl"), "--format", "json"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site"), "DERMOGRAPH_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=True,
    )
    status = {t["therapy"]: t["status"] for t in json.loads(run.stdout)["therapies"]}
    assert status["ad:Dupilumab"] == "eligible"
    asked = "import dermograph.content as c; print(c.folder('ontology'), c.folder('queries'))"
    where = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert str(ROOT) not in where.stdout
