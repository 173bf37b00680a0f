"""Processes that hold the knowledge; what takes too long there is ended with its process, and the others go on."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any, Self

from pebble import CONSTS, ProcessExpired, ProcessPool

from dermograph.service.limits import RETRY
from dermograph.service.problems import Reply, problem

CONSTS.term_timeout = 0.1  # a process that is ended has nothing to put in order


class Workers:
    """A pool of processes.

    :param count: how many.
    :param seconds: longest that a task is worked on.
    :param waiting: most tasks that are worked on or wait.
    :param ready: run in each process before its first task.
    """

    def __init__(self, count: int, seconds: float, waiting: int, ready: Callable[..., object], *given: object) -> None:
        self.seconds, self.most, self.waiting = seconds, waiting, 0
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPool(count, initializer=ready, initargs=given, context=context)

    async def run(self, task: Callable[..., Reply], *given: Any) -> Reply:
        """Run a task and give its reply; 503 where too many wait, 422 where it takes too long or more memory than there is."""
        if self.waiting >= self.most:
            return problem(503, f"{self.most} requests are worked on or wait already", "ask again later", RETRY)
        try:
            future = self._pool.schedule(task, args=given, timeout=self.seconds)
        except RuntimeError:
            return _stopping()
        self.waiting += 1
        try:
            return await asyncio.wrap_future(future)
        except TimeoutError:
            return problem(422, f"this takes longer than {self.seconds:g} s and was stopped", "ask for less at once")
        except (ProcessExpired, MemoryError):
            return problem(422, "the process that worked on this ended", "ask for less at once")
        except CancelledError:
            return _stopping()
        finally:
            self.waiting -= 1

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._pool.stop()  # type: ignore[no-untyped-call]
        await asyncio.to_thread(self._pool.join)


def _stopping() -> Reply:
    return problem(503, "the service is stopping", "ask again later", RETRY)
