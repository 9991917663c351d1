"""Tests with chance, again and again with fresh entropy: `python -m tests.flakes 100 [PATH ...]` counts what failed.

A test takes chance if it asks for the fixtures rng or entropy, or plays derivations. Each run is a process of its own,
as many at a time as there are cores; every failure is told as it comes, with the line that replays it.
"""
import os
import re
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed

CHANCE = {"rng", "entropy", "played"}
COMMAND = [sys.executable, "-m", "pytest", "-q", "-p", "tests.flakes", "-p", "no:cacheprovider"]


def pytest_collection_modifyitems(config, items):
    """As a plugin of pytest: leave out what takes no chance."""
    chosen = [item for item in items if CHANCE & set(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def once(paths):
    """(failed tests, how to replay them) of one run."""
    environment = {name: value for name, value in os.environ.items() if name != "REFVI_ENTROPY"}
    told = subprocess.run([*COMMAND, *paths], env=environment, capture_output=True, text=True).stdout
    failed = re.findall(r"^(?:FAILED|ERROR) (\S+)", told, re.M)
    if not failed and not re.search(r"\d+ passed", told):
        raise RuntimeError(f"no test ran:\n{told[-2000:]}")
    return failed, sorted(set(re.findall(r"REFVI_ENTROPY=\S+", told)))


def run(N, paths):
    """Counter of the tests that failed in N runs."""
    failures = Counter()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for number, job in enumerate(as_completed([pool.submit(once, paths) for _ in range(N)]), 1):
            failed, replays = job.result()
            failures.update(failed)
            told = f"failed: {' '.join(failed)} ({' '.join(replays)})" if failed else "no failure"
            print(f"{number} of {N}: {told}", flush=True)
    return failures


if __name__ == "__main__":
    N = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    counted = run(N, sys.argv[2:] or ["tests"])
    for name, times in counted.most_common():
        print(f"{times} of {N}  {name}")
    print(f"{N} runs, {sum(counted.values())} failures")
    sys.exit(bool(counted))
