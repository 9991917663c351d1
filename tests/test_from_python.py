"""The page "Use it from Python" runs as it stands, and help() says something of whatever refvi hands out."""
import inspect
import os
import pydoc
import re
import subprocess
import sys

import pytest

import refvi
from refvi.base import files

PAGE = files.checkout() / "derivations" / "from_python.md"


def test_its_blocks_run_in_order_in_a_script(tmp_path):
    """In a script without a guard, which worker processes must not run again."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    (tmp_path / "script.py").write_text("\n".join(blocks), encoding="utf-8")
    done = subprocess.run([sys.executable, "-W", "error", "script.py"], cwd=tmp_path, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": str(files.checkout()), "MPLBACKEND": "agg"})
    assert done.returncode == 0, done.stderr
    assert not done.stderr and done.stdout.count("UA: Intractable gradient") == 1


def test_help_names_every_word_of_the_package():
    told = pydoc.render_doc(refvi, renderer=pydoc.plaintext)
    for word in (*refvi.HOMES, "verify"):
        assert re.search(rf"\b{word}\b", told), word
    for path in re.findall(r"^ +(refvi\.[a-z_.]+)", refvi.__doc__, re.M):
        module, _, name = path.rpartition(".")
        assert hasattr(pydoc.locate(module), name), path


@pytest.mark.parametrize("word", sorted(refvi.HOMES))
def test_help_of_a_word_says_what_it_is(word):
    value = getattr(refvi, word)
    assert len(inspect.getdoc(value)) > 40
    if isinstance(value, refvi.Family):
        assert re.search(r"in nats .*lam =", inspect.getdoc(value.log_prob), re.S)
