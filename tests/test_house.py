"""The rules of the house, kept by a computer: floors, imports, names, what may be written where."""
import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module

import pytest

import refvi
from refvi import CHAPTERS, files
from refvi.verify.document import read

HOME = files.checkout()
FLOORS = ["__init__", "files", "progress", "special", "core", "families", "models", "optimize", "data", *CHAPTERS, "fits", "verify", "commands", "__main__"]
SOURCES = sorted((HOME / "refvi").rglob("*.py"))
EVERYTHING = [path for folder in ("refvi", "tests", "figures", "derivations") for path in sorted((HOME / folder).rglob("*.py"))]
ALLOWED = {"numpy", "scipy", "autograd", "matplotlib", "pytest", "refvi"}


def imports(path):
    """(module, line) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def floor(module):
    """Where refvi.<something> stands in the house."""
    name = module.split(".")[1] if "." in module else "__init__"
    return FLOORS.index(name) if name in FLOORS else None


def module_of(path):
    return ".".join(path.relative_to(HOME).with_suffix("").parts)


def name_of(path):
    return path.relative_to(HOME).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_imports_only_from_lower_floors(path):
    own = module_of(path)
    for module, line in imports(path):
        if module.startswith("refvi") and floor(module) is not None and floor(own) is not None:
            assert floor(module) <= floor(own), f"{own}:{line} imports {module}"
            assert own.startswith("refvi.verify") is False or module.split(".")[1:2] in ([], ["verify"], ["core"], ["files"], ["CHAPTERS"]), f"{own}:{line} knows {module}"


def test_every_module_has_its_floor():
    assert {module_of(path).split(".")[1] for path in SOURCES} == set(FLOORS)


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_referee_does_not_play_and_pictures_are_drawn_elsewhere(path):
    for module, line in imports(path):
        assert not module.startswith("scipy.stats"), f"{path}:{line}"
        assert not module.startswith("matplotlib") or path.name in ("plot.py", "typeset.py"), f"{path}:{line}"


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_only_five_packages(path):
    own = {p.stem for p in path.parent.glob("*.py")} | {"tests"}
    for module, line in imports(path):
        root = module.split(".")[0]
        peers = {"torch", "jax", "pyro", "numpyro"} if path.name in ("benchmarks.py", "peers.py") else set()
        assert root in ALLOWED | peers or root in sys.stdlib_module_names or root in own, f"{path}:{line} imports {module}"


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_no_literal_seeds_no_global_chance_no_latex(path):
    text = path.read_text(encoding="utf-8")
    if path.parent.name != "tests":
        assert not re.search(r"default_rng\(\d|RandomState|random\.seed|np\.random\.(normal|uniform|rand)\b", text)
        assert not re.search(r"\\(frac|mathbb|sum_|nabla|int_|mathrm|lambda|theta)\b", text), "LaTeX lives in derivations/*.md"
    assert not re.search(r"default_rng\(\d", text.replace("default_rng().normal", ""))
    assert max(map(len, text.splitlines()), default=0) <= 180
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), f"{path} does not say what it is"


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_public_function_of_a_chapter_is_a_row_or_used_by_one(name):
    module = import_module(f"refvi.{name}")
    tags = {row.function for chain in read(HOME / "derivations" / f"{name}.md").chains for row in chain.rows}
    used = "".join(path.read_text(encoding="utf-8") for path in EVERYTHING if path.parent.name != "tests")
    for function, value in vars(module).items():
        if inspect.isfunction(value) and value.__module__ == module.__name__ and not function.startswith("_"):
            assert function in tags or len(re.findall(rf"(?<!def )\b{function}\b", used)) >= 1, f"refvi.{name}.{function} is no row, and nothing uses it"
            assert value.__doc__, f"refvi.{name}.{function} does not say what it is"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_its_four_rooms(name):
    page = (HOME / "derivations" / f"{name}.md").read_text(encoding="utf-8")
    assert (HOME / "derivations" / f"{name}.py").exists()
    assert "## Where it fails" in page and "## What to try next" in page and "../refvi/" in page
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert (HOME / "derivations" / target).exists(), f"{name}.md links {target}"


def test_the_readme_s_links_lead_somewhere_and_name_every_chapter():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (HOME / target).exists(), target
    for name in CHAPTERS:
        assert f"derivations/{name}.md" in text


def test_the_readme_s_own_derivation_passes_and_can_fail(tmp_path, capsys):
    from refvi.__main__ import main
    text = (HOME / "README.md").read_text(encoding="utf-8").split("## Check your own derivation")[1]
    page, companion = re.search(r"`{4}markdown\n(.*?)`{4}", text, re.S).group(1), re.search(r"```python\n(.*?)```", text, re.S).group(1)
    (tmp_path / "mine.md").write_text(page, encoding="utf-8")
    for rows, status in ((companion, 0), (companion.replace("(n + 1) / 2", "(n + 2) / 2"), 1)):
        (tmp_path / "mine.py").write_text(rows, encoding="utf-8")
        assert main(["verify", str(tmp_path / "mine.md")]) == status


def test_the_readme_s_commands_are_calls_that_make_sense():
    from refvi.__main__ import build_parser
    calls = re.findall(r"`refvi ([^`]+)`", (HOME / "README.md").read_text(encoding="utf-8"))
    assert {call.split()[0] for call in calls} >= {"verify", "figures", "slides", "fit", "data"}
    for call in calls:
        build_parser().parse_args(call.split())


def test_notation_names_what_the_code_uses():
    table = (HOME / "derivations" / "notation.md").read_text(encoding="utf-8")
    for symbol in ("theta", "lam", "phi", "z", "x", "y", "eps", "S", "N", "M", "K", "D", "P", "R"):
        assert f"`{symbol}`" in table


def test_importing_refvi_brings_no_matplotlib_and_no_scipy_stats():
    code = ("import refvi.verify.run, refvi.score_function, refvi.elbo, refvi.mle.classifier, refvi.fits.classifier, refvi.__main__, sys; "
            "print([m for m in ('matplotlib', 'scipy.stats') if m in sys.modules])")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_the_command_has_a_version_s_worth_of_help(capsys):
    from refvi.__main__ import main
    for words in ([], ["verify"], ["figures"], ["slides"], ["fit"], ["data"], ["data", "fetch"]):
        with pytest.raises(SystemExit) as left:
            main([*words, "--help"])
        assert left.value.code == 0 and "usage: refvi" in capsys.readouterr().out
    assert re.fullmatch(r"\d+\.\d+\.\d+", refvi.__version__)


def test_a_missing_or_old_library_is_named(monkeypatch, capsys):
    from refvi import __main__ as command
    monkeypatch.setattr(command, "LOWEST", {"numpy": (99, 0)})
    assert command.main(["figures"]) == 2
    assert "refvi needs numpy >= 99.0, found" in capsys.readouterr().err
    monkeypatch.setattr(command, "LOWEST", {"no_such_library": (1, 0)})
    assert command.main(["figures"]) == 2
    assert "refvi needs no_such_library >= 1.0, which is not installed: pip install -e ." in capsys.readouterr().err
