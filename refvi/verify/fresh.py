"""A process of its own for one call, which begins before any row has run, and a guard over what the call touches.

Where the system cannot fork, the call is made here.
"""
import _thread
import ctypes
import multiprocessing
import os
import pickle
import signal
import sys
import threading

from refvi.verify.document import Fault

PATIENCE = 60.              # seconds, where nobody says
NOWHERE = {"subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn",
           "pty.spawn", "_thread.start_new_thread", "_thread.start_joinable_thread", "socket.__new__",
           "socket.connect", "sys.setprofile", "sys.settrace", "sys._current_frames", "object.__setattr__"}
NOT_BY_A_ROW = {"exec", "compile", "sys._getframe", "gc.get_objects", "gc.get_referrers", "gc.get_referents",
                "code.__new__", "function.__new__"}  # what a library may do, and a row may not have done for it
LISTENED = NOWHERE | NOT_BY_A_ROW | {"open"}
UNHEARD = sys.version_info < (3, 12)        # of threads no audit hook was told then
PR_SET_PDEATHSIG = 1
WRITES = os.O_WRONLY | os.O_RDWR | os.O_APPEND | os.O_CREAT


def alone(task, seconds=PATIENCE):
    """What task() returns in a process forked for it, or the Fault it raises; a Fault if it does not end well in time.
    """
    if not hasattr(os, "fork"):
        return task()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        live(task, reading, writing, seconds)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(child, 0)
    if told:
        outcome = pickle.loads(told)
        if isinstance(outcome, Fault):
            raise outcome
        return outcome
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM:
        raise Fault(f"did not return within {seconds:g} s", "make it faster, or give it longer with --timeout")
    code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    raise Fault(f"ended its process (exit code {code})", "a row must return, not exit or crash the interpreter")


def live(task, reading, writing, seconds):
    """The child's life: it performs the task, tells what came of it, and ends, by the alarm clock if need be."""
    die_with_parent()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    os.close(reading)
    code = 1
    try:
        try:
            outcome = task()
        except Fault as fault:
            outcome = fault
        except Exception as error:      # of the noise, or of another value on the stage
            outcome = Fault(f"the stage's values raised {type(error).__name__}: {error}", "check noise, S and scale")
        told = pickle.dumps(outcome)
        with os.fdopen(writing, "wb") as pipe:
            pipe.write(told)
        code = 0
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
    finally:
        os._exit(code)


def die_with_parent():
    """Where the system can, end this process when the one that forked it ends, whatever it is doing."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def servant(task):
    """A process forked here and now: what is returned asks it to perform task(*arguments), as often as wanted, and
    waits for the outcome.
    """
    if not hasattr(os, "fork"):
        return task
    mine, theirs = multiprocessing.Pipe()
    if os.fork() == 0:
        die_with_parent()
        mine.close()
        serve(task, theirs)
    theirs.close()

    def ask(*arguments):
        mine.send(arguments)
        outcome = mine.recv()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return ask


def serve(task, connection):
    """The servant's life, until nobody can ask any more."""
    try:
        while True:
            arguments = connection.recv()
            try:
                outcome = task(*arguments)
            except Exception as error:
                outcome = error
            connection.send(outcome)
    except EOFError:
        pass
    finally:
        os._exit(0)


class Guard:
    """While it is on, a row that reaches around its arguments is stopped and told so.

    is_own(frame): whether the code that runs there is the reader's.
    """

    hooked, now = False, None  # Python takes no audit hook off: there is one, which asks the guard that is on

    def __init__(self, is_own):
        self.is_own, self.touched = is_own, ""

    def __enter__(self):
        if not Guard.hooked:
            sys.addaudithook(hear)
            Guard.hooked = True
        self.start, Guard.now = _thread.start_new_thread, self
        if UNHEARD:
            _thread.start_new_thread = threading._start_new_thread = self.no_thread

    def __exit__(self, *exception):
        Guard.now = None
        if UNHEARD:
            _thread.start_new_thread = threading._start_new_thread = self.start
        if self.touched:
            raise Fault(f"touches what is none of a row's ({self.touched})",
                        "compute from the arguments alone: no other processes, threads or "
                        "sockets, no files to write, no frames, profilers, code objects, eval or exec") from None

    def no_thread(self, *arguments):
        """Stands where threads are started and no audit hook hears of it."""
        hear("_thread.start_new_thread", arguments)

    def forbids(self, event, arguments, frame):
        if event == "open":
            path, _, flags = arguments
            return bool(flags & WRITES) and "__pycache__" not in str(path) and str(path) != os.devnull
        return event in NOWHERE or event in NOT_BY_A_ROW and self.is_own(frame)


def hear(event, arguments):
    guard = Guard.now
    if guard is None or event not in LISTENED:
        return
    Guard.now = None            # to look at a frame is an event as well
    forbidden = guard.forbids(event, arguments, sys._getframe(1))
    Guard.now = guard
    if forbidden:
        guard.touched = guard.touched or event
        raise RuntimeError(f"a row may not touch {event}")


def threads():
    """The threads that run now."""
    return set(threading.enumerate())
