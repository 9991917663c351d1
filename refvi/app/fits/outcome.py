"""What a line of a fit's report can be besides text: what went wrong, or where Ctrl-C ended the fit; and how it tells
an average.
"""
import numpy as np

from refvi.base.progress import Interrupted


class Failure(str):
    """What went wrong: the command ends with status 1."""


class CutShort(str):
    """Where Ctrl-C ended a fit: the command ends with status 130."""


def ended(line, stopped):
    """A line of a report, and behind it why the fit stopped early if it did; CutShort if that was Ctrl-C."""
    told = f"{line}, {stopped}" if stopped else line
    return CutShort(told) if isinstance(stopped, Interrupted) else told


def status(lines):
    """The exit status of a report: 130 if Ctrl-C ended a fit, 1 if one failed, else 0."""
    if any(isinstance(line, CutShort) for line in lines):
        return 130
    return int(any(isinstance(line, Failure) for line in lines))


def ratio(values, counts):
    """(sum of values (N,) over sum of counts (N,), its standard error): nats per word of sentences of several words."""
    mean = np.sum(values) / np.sum(counts)
    return mean, np.sqrt(np.sum((values - mean * counts)**2)) / np.sum(counts)


def mean_and_error(values, digits=3, sign=""):
    """How a line tells an average of values (N,) and, of more than one, its standard error; sign: "+" for a gain."""
    told = f"{np.mean(values):{sign}.{digits}f}"
    if len(values) == 1:
        return told
    return f"{told} +- {np.std(values, ddof=1) / np.sqrt(len(values)):.{digits}f}"
