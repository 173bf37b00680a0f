"""A server of PostgreSQL for tests, on a socket of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Postgres:
    """A server that runs.

    :param programs: folder of its programs.
    :param socket: folder of its socket.
    """

    programs: Path
    socket: Path
    user: str = "cdm"

    @classmethod
    @contextmanager
    def started(cls) -> Iterator[Postgres]:
        """Run one until it is left; it does not run as root, so root lets the user of the package run it. Skips where it is not installed."""
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name))
        account = "postgres" if os.geteuid() == 0 else None
        if not programs or (account and all(entry.pw_name != account for entry in pwd.getpwall())):
            pytest.skip("PostgreSQL is not on this machine: apt-get install -y postgresql")
        with tempfile.TemporaryDirectory(prefix="dermograph") as name:
            where = Path(name)
            if account:
                shutil.chown(where, account)

            def call(program: str, *arguments: str) -> None:
                command = [str(programs[-1] / program), "-D", str(where / "data"), *arguments]
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, user=account, cwd=where)

            call("initdb", "-U", cls.user, "-A", "trust", "-E", "UTF8", "--locale=C")
            call("pg_ctl", "-o", f"-c listen_addresses='' -c unix_socket_directories='{where}'", "-w", "-l", str(where / "log"), "start")
            try:
                yield cls(programs[-1], where)
            finally:
                call("pg_ctl", "-m", "immediate", "stop")

    def run(self, script: Path) -> str:
        """What a script prints, as CSV with heads."""
        options = ["-X", "-q", "--csv", "-v", "ON_ERROR_STOP=1", "-h", str(self.socket), "-U", self.user, "-f", str(script)]
        command = [str(self.programs / "psql"), *options, "postgres"]
        return subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
