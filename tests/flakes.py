"""Tests with chance, again and again with fresh entropy: `python -m tests.flakes 100 [PATH ...]` counts what failed.

A test takes chance if it asks for the fixtures rng or entropy, or plays derivations. A process takes one file of tests
and calls each of them AT_ONCE times, as many processes at a time as there are cores; derivations are played once in a
process. Every failure is told as it comes, with the line that replays it.
"""
import os
import re
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

CHANCE = {"rng", "entropy", "played"}
COMMAND = [sys.executable, "-m", "pytest", "-q", "-p", "tests.flakes", "-p", "no:cacheprovider"]
NO_TEST = 5                 # pytest's exit status where none was chosen
AT_ONCE = 25


def takes_chance(names):
    return bool(CHANCE & set(names))


def pytest_generate_tests(metafunc):
    """As a plugin of pytest: call what takes chance REFVI_AGAIN times, derivations but once."""
    if takes_chance(metafunc.fixturenames) and "played" not in metafunc.fixturenames:
        metafunc.fixturenames.append("again")
        times = int(os.environ.get("REFVI_AGAIN", "1"))
        metafunc.parametrize("again", range(times), ids=[f"again{number}" for number in range(times)])


def pytest_collection_modifyitems(config, items):
    """As a plugin of pytest: leave out what takes no chance."""
    chosen = [item for item in items if takes_chance(getattr(item, "fixturenames", ()))]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def once(path, times):
    """(failed tests, how to replay them, calls, seconds) of one process, each test called so many times."""
    start = time.perf_counter()
    environment = {name: value for name, value in os.environ.items() if name != "REFVI_ENTROPY"}
    environment["REFVI_AGAIN"] = str(times)
    ran = subprocess.run([*COMMAND, path], env=environment, capture_output=True, text=True)
    failed = [re.sub(r"-?again\d+-?", "", name).removesuffix("[]")
              for name in re.findall(r"^(?:FAILED|ERROR) (\S+)", ran.stdout, re.M)]
    calls = sum(map(int, re.findall(r"(\d+) (?:passed|failed)", ran.stdout)))
    if ran.returncode != NO_TEST and not failed and not calls:
        raise RuntimeError(f"no test ran:\n{ran.stdout[-2000:]}{ran.stderr[-2000:]}")
    replays = sorted(set(re.findall(r"REFVI_ENTROPY=\S+|--entropy 0x\w+", ran.stdout)))
    return failed, replays, calls, time.perf_counter() - start


def files_of(paths):
    """The files of tests below the paths; a single test stands for itself."""
    for path in paths:
        yield from sorted(map(str, Path(path).rglob("test_*.py"))) if Path(path).is_dir() else [path]


def jobs_of(N, paths):
    """(path, times) of each process; round after round, so that an early end leaves few files uncounted."""
    files = [(path, 1 if "test_derivations" in path else AT_ONCE) for path in files_of(paths)]
    return [(path, min(times, N - begun)) for begun in range(N) for path, times in files if begun % times == 0]


def run(N, paths):
    """(Counter of the tests that failed in N runs, number of calls)."""
    failures, calls = Counter(), 0
    jobs = jobs_of(N, paths)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun = {pool.submit(once, *job): job for job in jobs}
        for number, job in enumerate(as_completed(begun), 1):
            failed, replays, called, seconds = job.result()
            failures.update(failed)
            calls += called
            path, times = begun[job]
            told = f"failed: {' '.join(failed)} ({' '.join(replays)})" if failed else "no failure"
            print(f"{number} of {len(jobs)}: {path}, {times} times in {seconds:.0f} s: {told}", flush=True)
    return failures, calls


if __name__ == "__main__":
    N = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    counted, calls = run(N, sys.argv[2:] or ["tests"])
    for name, times in counted.most_common():
        print(f"{times} of {N}  {name}")
    print(f"{N} runs, {calls:,} calls, {sum(counted.values())} failures")
    sys.exit(bool(counted))
