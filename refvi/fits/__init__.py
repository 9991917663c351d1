"""Fits on real data, one file each: `refvi fit NAME`. A fit's run(rng, ...) returns the lines of its report, a summary last."""


class Failure(str):
    """A line of a report that says what went wrong: the command then ends with status 1."""
