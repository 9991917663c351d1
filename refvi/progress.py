"""How far a long run has come, on stderr, and only when a person is watching it."""
import sys
import time


class Progress:
    """A bar that redraws its line at most ten times a second: `with Progress("fit", steps) as bar: bar(step, "ELBO -3.1 nats")`."""

    def __init__(self, name, total):
        self.name, self.total, self.start, self.last = name, total, time.monotonic(), 0.
        self.shown = sys.stderr.isatty()

    def __enter__(self):
        return self

    def __call__(self, done, note=""):
        now = time.monotonic()
        if self.shown and (now - self.last > 0.1 or done == self.total):
            self.last = now
            share = done / max(self.total, 1)
            left = (now - self.start) * (1 - share) / share if share > 0 else 0.
            sys.stderr.write(f"\r\033[K{self.name} [{'#' * int(24 * share):24}] {done}/{self.total}  {left:.0f} s left  {note}")
            sys.stderr.flush()

    def __exit__(self, *exception):
        if self.shown:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
