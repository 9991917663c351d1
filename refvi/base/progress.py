"""How far a long run has come, on stderr, and only when a person is watching it."""
import os
import sys
import time


class Interrupted(str):
    """Why a long run ended, where Ctrl-C ended it."""


def is_terminal(stream):
    """Whether a person is watching a stream; a notebook's, or one's own, may not know."""
    return bool(getattr(stream, "isatty", lambda: False)())


class Progress:
    """A bar that redraws its line at most ten times a second: `with Progress("fit", steps) as bar: bar(step, "ELBO
    -3.1 nats")`.
    """

    def __init__(self, name, total):
        self.name, self.total, self.start, self.last = name, total, time.monotonic(), 0.
        self.shown = is_terminal(sys.stderr)

    def __enter__(self):
        return self

    def __call__(self, done, note=""):
        now = time.monotonic()
        if self.shown and (now - self.last > 0.1 or done == self.total):
            self.last = now
            share = done / max(self.total, 1)
            left = (now - self.start) * (1 - share) / share if share > 0 else 0.
            sys.stderr.write(
                "\r\033[K" + self.line(share, f" {done}/{self.total}  {left:.0f} s left  {note}", columns())
            )
            sys.stderr.flush()

    def line(self, share, rest, room):
        """One line, and no more: the bar gives way to the words, and what is still too long is cut. A line that wraps
        cannot be redrawn.
        """
        width = min(max(room - len(self.name) - len(rest) - 4, 6), 24)
        return f"{self.name} [{'#' * int(width * share):{width}}]{rest}"[:room - 1]

    def clear(self):
        """Take the bar off its line, for whoever prints next."""
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()

    def __exit__(self, *exception):
        self.clear()


def columns():
    """The width of the terminal that stderr is, 80 where it does not say."""
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80
