"""Derivations are played in a process of their own, beside the tests that need one core only.

`python -m tests.playing FILE CHAPTER ...` plays the chapters, then plants changes in the source of a few of them, and
leaves what came of both in a file; pytest starts it once it knows which tests are asked for (conftest.py).
"""
import pickle
import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from refvi.base import files
from refvi.verify.pages import verify_pages
from refvi.verify.run import Options

STAGES = 1                  # settings of each stage, fresh on every run, each with its mutants
CHOSEN = 3                  # pages in whose source one change a row is planted, others on every run,
SETTINGS = 2                # on so many settings of each stage


def played(names, **options):
    """({chapter: its results}, how to replay them), page after page: the other core belongs to the other tests."""
    entropy, results = secrets.randbits(128), {name: [] for name in names}
    for page, kind, news in verify_pages([files.page(name) for name in names], Options(entropy, **options), workers=1):
        results[page.stem] += news if kind == "results" else []
    return results, f"--stages {options['stages']} --mutants {max(1, options['mutants'])} --entropy {entropy:#x}"


class Playing:
    """A process that plays chapters, and what it has found when it is done."""

    def __init__(self, names):
        self.folder = tempfile.TemporaryDirectory()
        self.file = Path(self.folder.name) / "played"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.playing", str(self.file), *names],
            cwd=Path(__file__).parents[1], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def outcome(self):
        """(played, planted), each as played returns it; waits until both are there."""
        told, _ = self.process.communicate()
        if self.process.returncode:
            raise RuntimeError(f"the derivations were not played:\n{told}")
        return pickle.loads(self.file.read_bytes())

    def end(self):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


if __name__ == "__main__":
    file, *names = sys.argv[1:]
    chosen = list(np.random.default_rng().choice(names, min(CHOSEN, len(names)), replace=False))
    whole = played(names, stages=STAGES, mutants=0), played(chosen, stages=SETTINGS, mutants=1)
    Path(file).write_bytes(pickle.dumps(whole))
