"""The folder of the results: one run writes into it at a time, the very same goes on in it, and nobody writes into it once it is finished."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dermograph import cache
from dermograph.cohort.summary import Totals
from dermograph.errors import InputError, UsageError, unwritable

_MARK = ".finished"
"""File that tells of which run the results are, written last of all."""
_TABLES = ("rejects.parquet", "ignored.parquet", "changes.parquet", "summary.json", "report.html")
_OURS = ("verdicts", "criteria", "places", "compared", "summary", "pictures", *_TABLES)
"""What a run writes."""


@dataclass(frozen=True)
class Place:
    """A folder of results.

    :param key: what the results turn on.
    :param beside: what else was asked for, such as the smallest count that is shown: a run goes on under another one.
    :param settled: whether the key tells of all that the input holds, so that results under it are those of today.
    """

    out: Path
    key: dict[str, Any]
    beside: dict[str, Any]
    settled: bool = True

    @cached_property
    def work(self) -> Path:
        """Folder of what is not finished."""
        return self.out / ".unfinished"

    def finished(self) -> Totals | None:
        """The totals of the very same run, where it is finished; None where there is something to do.

        :raises InputError: the folder holds something else.
        """
        try:
            there = {path.name for path in self.out.iterdir()} if self.out.exists() else set()
            told = json.loads((self.out / _MARK).read_bytes()) if _MARK in there else None
        except OSError as error:
            raise unwritable(self.out, error) from error
        except ValueError:
            told = {"key": ""}
        hint = "name an empty folder, or empty this one"
        if told is None:
            if there - {self.work.name} and not (self.work / "run.json").exists():
                raise InputError(f"{self.out}: the folder holds something already", hint)
            return None
        if told["key"] != self._digest:
            raise InputError(f"{self.out}: the folder holds something already, the results of another input, day or options", hint)
        if not self.settled:
            raise InputError(f"{self.out}: the folder holds something already, and whether the input has changed since cannot be told", hint)
        if missing := sorted({*told["holds"]} - there):
            raise InputError(f"{self.out}: of the results that were there, {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing", hint)
        shutil.rmtree(self.work, ignore_errors=True)
        return Totals(**told["totals"])

    @contextmanager
    def taken(self) -> Iterator[None]:
        """The folder for oneself, with what an earlier run of the very same has left.

        :raises InputError: another run is writing there, or the folder cannot be locked.
        :raises UsageError: the folder cannot be written.
        """
        kept = self.work / "run.json"
        with self._locked():
            if self._kept(kept) != self.key:
                for name in _OURS if kept.exists() else ():
                    _remove(self.out / name)
                for path in self.work.iterdir():
                    if path.name != "lock":
                        _remove(path)
                cache.write(kept, self.key)
            try:
                yield
            except BaseException:
                if {path.name for path in self.work.iterdir()} <= {"lock", "run.json"}:
                    shutil.rmtree(self.work, ignore_errors=True)
                raise

    def finish(self, totals: Totals) -> None:
        """Note that the results are whole, and take away what was only for getting there."""
        aside = self.work / "finished.json"
        holds = [name for name in _OURS if (self.out / name).exists()]
        cache.write(aside, {"key": self._digest, "totals": asdict(totals), "holds": holds})
        aside.replace(self.out / _MARK)
        shutil.rmtree(self.work, ignore_errors=True)

    @staticmethod
    def _kept(path: Path) -> Any:
        """What an unfinished run turned on; None where that cannot be told."""
        try:
            return json.loads(path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None

    @property
    def _digest(self) -> str:
        return hashlib.sha256(json.dumps([self.key, self.beside], sort_keys=True).encode()).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The folder, locked; the lock goes with the process, however that ends."""
        try:
            import fcntl
        except ImportError as error:
            raise UsageError("this system has no file locks of POSIX", "assess populations on Linux or macOS, on Windows within WSL") from error
        path = self.work / "lock"
        busy = InputError(f"{self.out}: another run is writing here", "wait until it has ended, or name another folder")
        try:
            self.work.mkdir(parents=True, exist_ok=True)
            file = path.open("ab")
        except OSError as error:
            raise (busy if isinstance(error, FileNotFoundError) and self.out.exists() else unwritable(self.out, error)) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                same = os.fstat(file.fileno()).st_ino == path.stat().st_ino
            except (BlockingIOError, FileNotFoundError) as error:
                raise busy from error
            except OSError as error:
                hint = "name a folder on a disk of this machine, and copy the results when they are there"
                raise InputError(f"{self.out}: the folder cannot be locked: {error.strerror or error}", hint) from error
            if not same:
                raise busy
            yield
        with suppress(OSError):
            self.work.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
