"""Verify pages: a worker process for each, which can be killed, so that a row that hangs or crashes fails alone."""
import gc
import multiprocessing
import os
import signal
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from refvi.verify.document import Fault
from refvi.verify.page import Options, of_the_page, play_page

__all__ = ["Options", "verify", "start_server"]
PRELOADED = ["refvi.verify.run", "autograd", "scipy.stats", "scipy.optimize"]     # what nearly every companion needs

STARTING = threading.Lock()
LONGER = 1.5                # times a row's own timeout a worker may be silent


def workers():
    """How worker processes are started: forked from a server that has imported the libraries, where there is one."""
    context = multiprocessing.get_context(
        "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    )
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(PRELOADED)
    return context


def start_server():
    """Start the workers' server now, deaf to Ctrl-C from its first import on; from the main thread only."""
    if workers().get_start_method() == "forkserver":
        from multiprocessing import forkserver      # not on every system
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, before)


@contextmanager
def undisturbed():
    """Ctrl-C and SIGTERM wait until the end: a process that is half started would say that its beginning is missing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting = []
    before = {number: signal.signal(number, lambda number, frame: waiting.append(number))
              for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        for number in waiting:
            signal.raise_signal(number)


@contextmanager
def no_script():
    """While a process is started: it does not run the script that starts it once more, which a script need not be
    written for. One thread at a time, or the script would be lost.
    """
    with STARTING:
        script, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = script


def verify(path, options):
    """Yield ("plan", units) once, then ("results", [Result, ...]) unit by unit, whatever the rows do."""
    path, begun, hung, planned = Path(path).resolve(), 0, {}, False
    while True:
        at, reason = ("the companion", "", 1), None
        for kind, *message in listen(path, options, begun, hung):
            if kind == "end":
                return
            elif kind == "row":
                at = message[0]
            elif kind == "fault":
                reason = message[0]
            elif kind == "results":
                begun = message[0] + 1
                yield "results", message[1]
            elif not planned:
                planned = True
                yield "plan", message[0]
        tag, chain, line = at
        if planned and tag not in hung.get(begun, {}) and not tag.startswith("stage "):
            hung.setdefault(begun, {})[tag] = reason        # once more, without this row
            continue
        yield "results", [of_the_page(reason, line, chain=chain or "the page", row=tag)._replace(how="not compared")]
        if not planned:
            return
        begun += 1


def listen(path, options, begun, hung):
    """Yield the messages of one worker; the last is ("end",), or ("fault", Fault) of a worker that fell silent or died.
    """
    context = workers()
    mine, theirs = context.Pipe()
    worker = context.Process(target=work, args=(theirs, path, options, begun, hung), daemon=True)
    with undisturbed(), no_script():
        worker.start()
    theirs.close()
    try:
        while mine.poll(LONGER * options.timeout):
            yield mine.recv()
        yield (
            "fault",
            Fault(f"did not return within {options.timeout:g} s", "make it faster, or give it longer with --timeout"),
        )
    except EOFError:
        worker.join()
        yield ("fault", Fault(f"ended its process (exit code {worker.exitcode})",
                              "a row must return, not exit or crash the interpreter"))
    finally:
        worker.kill()
        worker.join()
        mine.close()


def end_with_parent():
    """A worker whose parent is gone ends, whatever its row is doing."""
    multiprocessing.parent_process().join()
    os._exit(1)


def work(connection, *task):
    """The worker process: perform the task for as long as somebody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer
    threading.Thread(target=end_with_parent, daemon=True).start()
    gc.freeze()  # the companion's own memories are looked for: not among the libraries' half million objects
    try:
        play_page(connection.send, *task)
        connection.send(("end",))
    except BrokenPipeError:
        pass
