"""refvi html: the pages as a site, with code and verdicts beside every row."""
import importlib.util
from pathlib import Path

from refvi.base import files

NEEDED = {"markdown_it": "markdown-it-py", "math_core": "math-core", "pygments": "Pygments"}


def run(options):
    missing = [name for module, name in NEEDED.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise ImportError(f"refvi html needs {', '.join(missing)}: pip install -e '.[html]'")
    from refvi.reading.build import build     # only now: what it imports is optional

    out = Path(options.out) if options.out else files.checkout() / "site"
    pages = list(build(out, options.report))
    print(f"{out / 'index.html'}: {len(pages)} pages")
    return 0
