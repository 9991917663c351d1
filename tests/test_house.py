"""The rules of the house, kept by a computer: floors, imports, names, what may be written where."""
import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import refvi
from refvi import CHAPTERS, PARTS
from refvi.app import slides
from refvi.base import files
from refvi.verify.document import read
from tests.widths import wide

HOME = files.checkout()
FLOORS = ["base", "data", *PARTS, "verify", "reading", "app", "__main__"]
SOURCES = sorted((HOME / "refvi").rglob("*.py"))
EVERYTHING = [
    path for folder in ("refvi", "tests", "figures", "derivations") for path in sorted((HOME / folder).rglob("*.py"))
]
ALLOWED = {"numpy", "scipy", "autograd", "matplotlib", "pytest", "refvi"}
TYPESETTERS = {"markdown_it", "math_core", "pygments"}      # of refvi html alone, an extra


def imports(path):
    """(module, line) of every import in a file, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node.lineno
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def floor(module):
    """Where refvi.<part>.<chapter> stands in the house: (part, chapter); None for refvi itself and what it hands on."""
    names = module.split(".")[1:]
    if not names or names[0] not in FLOORS:
        return None
    chapters = PARTS.get(names[0], ())
    return FLOORS.index(names[0]), chapters.index(names[1]) if len(names) > 1 and names[1] in chapters else 0


def module_of(path):
    return ".".join(path.relative_to(HOME).with_suffix("").parts)


def name_of(path):
    return path.relative_to(HOME).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_imports_only_from_lower_floors(path):
    own = module_of(path)
    for module, line in imports(path):
        if module.startswith("refvi.") and floor(module) and floor(own):
            assert floor(module) <= floor(own), f"{own}:{line} imports {module}"
            known = ("refvi.verify", "refvi.base.core", "refvi.base.files")
            assert not own.startswith("refvi.verify") or module.startswith(known) or module == "refvi.base", (
                f"{own}:{line} knows {module}"
            )


def test_the_top_level_holds_what_the_readme_names():
    git = shutil.which("git") and subprocess.run(["git", "ls-files"], cwd=HOME, capture_output=True, text=True)
    if not git or git.returncode:
        pytest.skip("git does not tell what is tracked here")
    tracked = git.stdout.splitlines()
    assert {Path(name).parts[0] for name in tracked} <= {
        ".ci", ".gitignore", "LICENSE", "README.md", "derivations", "figures", "pyproject.toml", "refvi", "setup.cfg",
        "tests"
    }


def test_every_module_has_its_floor():
    assert {module_of(path).split(".")[1] for path in SOURCES} == {"__init__", *FLOORS}


# refvi.verify is a package that can be called
FIRST_FILES = [path for path in (HOME / "refvi").glob("*/**/__init__.py") if path.parent.name != "verify"]


@pytest.mark.parametrize("path", FIRST_FILES, ids=name_of)
def test_a_folder_s_first_file_is_one_line_that_says_what_it_holds(path):
    assert re.fullmatch(r'"{3}[^\n]+"{3}\n', path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_the_referee_does_not_play_and_pictures_are_drawn_elsewhere(path):
    for module, line in imports(path):
        assert not module.startswith("scipy.stats"), f"{path}:{line}"
        assert not module.startswith("matplotlib") or path.name in ("plot.py", "typeset.py"), f"{path}:{line}"


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_only_five_packages(path):
    room = "*/*.py" if path.is_relative_to(HOME / "figures") else "*.py"
    own = {p.stem for p in (path.parents[room.count("/")]).glob(room)} | {"tests", "referees", "plates", "digits"}
    for module, line in imports(path):
        root = module.split(".")[0]
        peers = {"torch", "jax", "pyro", "numpyro", "sklearn", "nltk"} if path.parent.name == "benchmarks" else set()
        peers |= TYPESETTERS if path.parent == HOME / "refvi" / "reading" else set()
        assert root in ALLOWED | peers or root in sys.stdlib_module_names or root in own, (
            f"{path}:{line} imports {module}"
        )


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_no_literal_seeds_no_global_chance_no_latex(path):
    text = path.read_text(encoding="utf-8")
    if "tests" not in path.relative_to(HOME).parts:
        assert not re.search(r"default_rng\(\d|RandomState|random\.seed|np\.random\.(normal|uniform|rand)\b", text)
        assert not re.search(r"\\(frac|mathbb|sum_|nabla|int_|mathrm|lambda|theta)\b", text), (
            "LaTeX lives in derivations/*.md"
        )
    assert not re.search(r"default_rng\(\d", text.replace("default_rng().normal", ""))
    assert [number for number, line in enumerate(text.splitlines(), 1) if len(line) > 120] == []
    assert ast.get_docstring(ast.parse(text)) or not text.strip(), f"{path} does not say what it is"


def public_functions():
    """(file, function, docstring) of every function of a chapter that does not begin with an underscore."""
    for path in SOURCES:
        if path.relative_to(HOME / "refvi").parts[0] in PARTS:
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                    yield name_of(path), node.name, ast.get_docstring(node)


def names_used(path):
    """Every name that a file's code reads, imports excepted."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr


def defined(path):
    """The module, the classes and the functions of a file."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef))]


@pytest.mark.parametrize("path", EVERYTHING, ids=name_of)
def test_docstrings_can_be_read_alone_and_slips_live_in_companions(path):
    texts = [ast.get_docstring(node) or "" for node in defined(path)]
    assert [text for text in texts if text.startswith("The same")] == []
    if path.is_relative_to(HOME / "refvi") and not path.is_relative_to(HOME / "refvi" / "verify"):
        assert [text for text in texts if re.match(r"(The|A) slip\b", text)] == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_no_conditional_expression_inside_another(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    outer = [node for node in ast.walk(tree) if isinstance(node, ast.IfExp)]
    inner = [
        part.lineno for node in outer for part in ast.walk(node) if part is not node and isinstance(part, ast.IfExp)
    ]
    assert inner == []


def test_every_public_function_is_a_row_or_in_use_and_says_what_it_is():
    rows = {row.function for name in CHAPTERS for chain in read(files.page(name)).chains for row in chain.rows}
    used = {name for path in EVERYTHING if "tests" not in path.relative_to(HOME).parts for name in names_used(path)}
    used |= {word for name in CHAPTERS for word in re.findall(r"\w+", files.page(name).read_text(encoding="utf-8"))}
    assert [(path, name) for path, name, _ in public_functions() if name not in rows | used] == []
    assert [(path, name) for path, name, text in public_functions() if not text] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_has_its_four_rooms(name):
    page = (files.page(name)).read_text(encoding="utf-8")
    assert files.page(name).with_suffix(".py").exists()
    assert "## Where it fails" in page and "## What to try next" in page and "../../refvi/" in page
    for target in re.findall(r"\]\(([^)#]+)\)", page):
        assert (files.page(name).parent / target).exists(), f"{name}.md links {target}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_no_row_is_wider_than_the_window(name):
    """Within the approximation of tests/widths.py."""
    assert wide(files.page(name)) == []


def test_a_row_that_is_too_wide_is_seen(tmp_path):
    page = tmp_path / "wide.md"
    row = r"\sum_{n=1}^N \left( x_n - \mu \right)^2 + " * 12
    page.write_text(f"```math\n\\begin{{align}}\n& 1 \\tag{{one}} \\\\\n&= {row} \\tag{{two}}\n\\end{{align}}\n```\n",
                    encoding="utf-8")
    assert [line for line, _ in wide(page)] == [4]


def chains_of(text):
    """(what stands between this chain and the displayed formula before it, its line) of every chain of a page."""
    before = 0
    for found in re.finditer(r"```math\n(.*?)```", text, re.S):
        if r"\begin{align" in found.group(1):
            yield text[before:found.start()], text.count("\n", 0, found.start()) + 1
        before = found.end()


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_page_is_read_in_25_minutes(name):
    """At 130 words a minute, each piece of a formula being one."""
    assert len(files.page(name).read_text(encoding="utf-8").split()) <= 25 * 130


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_sentence_stands_before_every_chain(name):
    text = files.page(name).read_text(encoding="utf-8")
    bare = [line for before, line in chains_of(text) if not sentence(before)]
    assert bare == []


def sentence(text):
    """Whether the text after its last heading holds at least six words."""
    return len(re.findall(r"\w+", re.split(r"(?m)^#+ .*$", text)[-1])) >= 6


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chain_holds_one_slip_at_most(name):
    for chain in read(files.page(name)).chains:
        assert [row.relation for row in chain.rows].count(r"\ne") <= 1, chain.name


def test_every_picture_stands_on_a_page_and_is_told_in_words():
    """Beneath it or before it, in the same section, at least a dozen words."""
    shown = {}
    for name in CHAPTERS:
        text = files.page(name).read_text(encoding="utf-8")
        for section in re.split(r"(?m)^## ", text):
            words = len(re.findall(r"\w+", re.sub(r"!?\[[^\]]*\]\([^)]*\)", "", section)))
            shown |= {Path(target).stem: words for target in re.findall(r"!\[[^\]]+\]\(([^)]+)\)", section)}
    pictures = {path.stem for path in (HOME / "figures").glob("*/*.py")}
    assert pictures - set(shown) == set()
    assert {name: words for name, words in shown.items() if words < 12} == {}


def test_pages_lead_to_the_one_before_and_the_one_after():
    names = list(CHAPTERS)
    for before, name in zip(names, names[1:]):
        for here, there in ((before, name), (name, before)):
            last = files.page(here).read_text(encoding="utf-8").rstrip().splitlines()[-1]
            folder = "" if CHAPTERS[here] == CHAPTERS[there] else f"../{CHAPTERS[there]}/"
            assert f"({folder}{there}.md)" in last, (here, there)


def test_the_readme_says_how_many_items_are_settled():
    done = sum(map(slides.settled, slides.items()))
    text = " ".join((HOME / "README.md").read_text(encoding="utf-8").split())
    assert (
        f"Of the 501 statements, figures and tasks of the five decks, {done} are settled and {501 - done} open" in text
    )


def test_the_readme_s_links_lead_somewhere_and_name_every_chapter():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert target.startswith("http") or (HOME / target).exists(), target
    for name in CHAPTERS:
        assert f"derivations/{CHAPTERS[name]}/{name}.md" in text


def test_the_readme_shows_the_code_as_it_is():
    text = (HOME / "README.md").read_text(encoding="utf-8")
    shown = re.search(r"```python\n(def expected_score.*?)```", text, re.S).group(1)
    assert shown in (HOME / "refvi" / "gradients" / "score_function.py").read_text(encoding="utf-8")


def test_the_readme_s_own_derivation_passes_and_can_fail(tmp_path, capsys):
    from refvi.__main__ import main
    text = (HOME / "README.md").read_text(encoding="utf-8").split("## Check your own derivation")[1]
    page, companion = (re.search(r"`{4}markdown\n(.*?)`{4}", text, re.S).group(1),
                       re.search(r"```python\n(.*?)```", text, re.S).group(1))
    (tmp_path / "mine.md").write_text(page, encoding="utf-8")
    for rows, status in ((companion, 0), (companion.replace("(n + 1) / 2", "(n + 2) / 2"), 1)):
        (tmp_path / "mine.py").write_text(rows, encoding="utf-8")
        assert main(["verify", str(tmp_path / "mine.md")]) == status


def test_the_readme_s_row_with_chance_passes_and_can_fail(tmp_path, capsys):
    from refvi.__main__ import main
    text = (HOME / "README.md").read_text(encoding="utf-8").split("### A row with chance")[1]
    page = re.search(r"`{4}markdown\n(.*?)`{4}", text, re.S).group(1)
    companion = re.search(r"```python\n(.*?)```", text, re.S).group(1)
    (tmp_path / "moment.md").write_text(page, encoding="utf-8")
    for rows, status in ((companion, 0), (companion.replace("np.mean(eps**2", "2 * np.mean(eps**2"), 1)):
        (tmp_path / "moment.py").write_text(rows, encoding="utf-8")
        assert main(["verify", str(tmp_path / "moment.md"), "--strict"]) == status


def test_the_readme_s_commands_are_calls_that_make_sense():
    from refvi.app.parser import build_parser
    calls = re.findall(r"`refvi ([^`]+)`", (HOME / "README.md").read_text(encoding="utf-8"))
    assert {call.split()[0] for call in calls} >= {"verify", "figures", "slides", "fit", "data"}
    for call in calls:
        build_parser().parse_args(call.split())


def test_notation_names_what_the_code_uses():
    table = (HOME / "derivations" / "notation.md").read_text(encoding="utf-8")
    for symbol in ("theta", "lam", "phi", "z", "x", "y", "eps", "S", "N", "M", "K", "D", "P", "R"):
        assert f"`{symbol}`" in table


def test_importing_refvi_brings_no_matplotlib_and_no_scipy_stats():
    code = ("import refvi.verify.run, refvi.gradients.score_function, refvi.bound.elbo.rows, "
            "refvi.likelihood.mle.classifier, refvi.app.fits.classifier, refvi.__main__, sys; "
            "print([m for m in ('matplotlib', 'scipy.stats') if m in sys.modules])")
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


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
