"""The processes that a batch run is spread over; Ctrl-C, which a terminal sends to all of them, is not for them."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import takewhile
from multiprocessing import forkserver, get_context, resource_tracker
from multiprocessing.synchronize import Event
from typing import TypeVar

Given = TypeVar("Given")
Made = TypeVar("Made")

_ended: list[Event] = []
"""In a worker: what tells that nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class Workers:
    """Processes that take work."""

    pool: ProcessPoolExecutor

    def submit(self, work: Callable[[Given], Made], given: Given) -> Future[Made]:
        """Give work to the next that is free; one may be started for it, which Ctrl-C does not break off."""
        with _held_back():
            return self.pool.submit(work, given)


@contextmanager
def workers(jobs: int, *, preload: Sequence[str], start: Callable[[], None]) -> Iterator[Workers]:
    """Give processes that begin with `start`; modules to preload are imported once, in the one they part from.

    Whatever ends the work early, they finish the call they are at, and no more.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([*preload])
    ended = context.Event()
    with _held_back():
        forkserver.ensure_running()
    pool = ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(ended, start))
    try:
        yield Workers(pool)
    finally:
        ended.set()
        pool.shutdown(cancel_futures=True)


def awaited(items: Iterable[Given]) -> Iterator[Given]:
    """Yield the items, in a worker, as long as somebody waits for what becomes of them."""
    return takewhile(lambda _: not _ended[0].is_set(), items)


def _begin(ended: Event, start: Callable[[], None]) -> None:
    _ended[:] = [ended]
    if not ended.is_set():
        start()


@contextmanager
def _held_back() -> Iterator[None]:
    """Let Ctrl-C wait; processes started meanwhile, and those that part from them, never hear of it."""
    resource_tracker.ensure_running()  # first: where it has to start something it lets the signal through again
    with _put_off():
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])  # which what is started inherits
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _put_off() -> Iterator[None]:
    """Let Ctrl-C wait, whichever thread of this process the system gives it to; the main one alone acts on it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            signal.raise_signal(signal.SIGINT)
