"""The command line: refvi [verify | figures | slides | fit | data | html | notebook]; without a word, the tour."""
import importlib
import importlib.util
import os
import signal
import sys
import threading
from contextlib import contextmanager

from refvi.app.parser import build_parser

THREADS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS")
LOWEST = {"numpy": (1, 24), "scipy": (1, 10), "autograd": (1, 6), "matplotlib": (3, 7)}


def main(arguments=None):
    """Run one command; returns the exit status: 0 if all is PASS, 1 if not, 2 for a wrong call, 130 after Ctrl-C."""
    # before NumPy is imported: products this small gain little from a second thread, and lose tenfold on a busy
    # machine
    for name in THREADS:
        os.environ.setdefault(name, "1")
    # of the worker processes: a random.py in the current folder is none of theirs
    os.environ.setdefault("PYTHONSAFEPATH", "1")
    if hasattr(sys.stdout, "reconfigure"):      # a notebook's, or a StringIO, has none
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    parser = build_parser()
    options = parser.parse_args(arguments)
    try:
        require_libraries()
        command = importlib.import_module(f"refvi.app.{options.command}")
        with terminable():
            return getattr(command, getattr(options, "work", "run"))(options)
    except BrokenPipeError:     # whoever reads the output has seen enough, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (FileNotFoundError, OSError, ValueError, LookupError, ImportError) as error:
        print(f"refvi: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("refvi: interrupted", file=sys.stderr)
        return 130
    except Terminated:
        print("refvi: terminated", file=sys.stderr)
        return 143


class Terminated(BaseException):
    """Somebody asked this process to end."""


@contextmanager
def terminable():
    """Meanwhile SIGTERM closes what is open, as Ctrl-C does; whoever calls main gets his own handler back."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end(number, frame):
    """As a handler of SIGTERM."""
    raise Terminated


def require_libraries():
    """A missing or an old library is named, with the way out, before anything runs."""
    for name, lowest in LOWEST.items():
        wanted = f"refvi needs {name} >= {'.'.join(map(str, lowest))}"
        if importlib.util.find_spec(name) is None:
            raise ImportError(f"{wanted}, which is not installed: pip install -e .")
        if name in ("numpy", "scipy"):
            version = importlib.import_module(name).__version__
            if tuple(int(part) for part in version.split(".")[:2]) < lowest:
                raise ImportError(f"{wanted}, found {version}: pip install -U {name}")


if __name__ == "__main__":
    sys.exit(main())
