"""What is fast must stay fast: `python -m tests.benchmarks` prints ratios taken in one run, never a promise in seconds.

Each pair of commands is run in turn, and the median of the ratios is reported beside the limit it is held to by hand.
"""
import secrets
import statistics
import subprocess
import sys
import time

import numpy as np

from tests.alarms import run

DEPENDENCIES = "import numpy, scipy.special, scipy.linalg, autograd, autograd.numpy"
REFVI = "import refvi.elbo, refvi.score_function, refvi.models, refvi.data, refvi.optimize, refvi.core, refvi.families"


def seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def python(code):
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def ratio(mine, theirs, times):
    """Median of mine / theirs over interleaved runs, and mine's median in seconds."""
    pairs = [(seconds(mine), seconds(theirs)) for _ in range(times)]
    return statistics.median(a / b for a, b in pairs), statistics.median(a for a, _ in pairs)


def bare_draws():
    """What 500 checks at n1 = 10,000 cannot do without: their random numbers, with the pilot's."""
    rng = np.random.Generator(np.random.SFC64(secrets.randbits(128)))
    for _ in range(500):
        rng.standard_normal(12_000)


def main():
    told, took = ratio(python(REFVI), python(DEPENDENCIES), 9)
    print(f"import of all chapters over import of numpy, scipy and autograd: {told:.2f} (limit 1.3; {took:.2f} s)")
    told, took = ratio(lambda: run(secrets.randbits(128)), bare_draws, 5)
    print(f"500 Monte Carlo checks at n1 = 10,000 over their bare draws: {told:.1f} (about 2 s on two cores; {took:.2f} s)")
    took = seconds(lambda: subprocess.run([sys.executable, "-m", "refvi"], check=True, stdout=subprocess.DEVNULL))
    print(f"the main line, verify, figures and fits: {took:.1f} s (limit 60 s on two cores)")


if __name__ == "__main__":
    main()
