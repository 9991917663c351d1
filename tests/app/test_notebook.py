"""refvi notebook: cells that run from the first to the last, and a row whose mistake is refused."""
import json
import re

import pytest

import refvi
from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.app.bench import changed, setting
from refvi.app.notebook import markdown, notebook
from refvi.base import files
from refvi.verify.document import read

SHORT = "approximations"        # a page that is played in a few seconds


def texts(kind, book):
    """The cells of one kind, as texts."""
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_notebook_holds_the_page_its_rows_and_code_that_python_reads(name):
    book = notebook(name)
    page, code = "\n".join(texts("markdown", book)), "\n".join(texts("code", book))
    for cell in texts("code", book):
        compile(cell, name, "exec")
    tags = [row.tag for chain in read(files.page(name)).chains for row in chain.rows]
    assert re.findall(r"\\tag\{(.*?)\}", page) == tags
    assert "$`" not in page and "```math" not in page and "](.." not in page and "](#" not in page
    assert f"refvi.verify({name!r}, stage=" in code and "changed(" in code
    assert ("refvi.figure(" in code) == ("](../../figures/" in files.text_of(files.page(name)))
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])


def test_its_cells_run_from_the_first_to_the_last(capsys):
    space = {}
    for cell in texts("code", notebook(SHORT)):
        exec(compile(cell, SHORT, "exec"), space)
    told = capsys.readouterr().out
    assert all(row.tag in told for chain in read(files.page(SHORT)).chains for row in chain.rows)
    assert space["mine"].name == f"{SHORT}.md"


@pytest.mark.parametrize("name", ["bbvi", "coordinate_ascent", "deep_latent", "linear_latent"])
def test_a_row_whose_words_mean_something_else_on_the_page_runs_too(name, capsys):
    """All cells but the pictures and the checker's."""
    code = texts("code", notebook(name))
    space, own = {}, re.findall(r"^@among\((\w+)\)", "\n".join(code), re.M)
    for cell in code:
        if "refvi.figure(" not in cell and "refvi.verify(" not in cell:
            exec(compile(cell, name, "exec"), space)
    right = setting(name)
    for row in own:
        assert space[row] is not right[row]
        assert space[row].__globals__["__name__"] == right[row].__globals__["__name__"] != "builtins"
    told = capsys.readouterr().out
    assert own and all(f"\n{row.replace('_', ' '):<32} " in told for row in own)


def test_a_row_that_is_changed_for_the_worse_is_refused():
    cell = texts("code", notebook(SHORT))[-1]
    source, stage = re.search(r"r'''\n(.*)'''\)\n.*stage='(\w+)'", cell, re.S).groups()
    row = re.match(r"def (\w+)", source).group(1)
    wrong = f"{source}\n\nright = {row}\n\n\ndef {row}({re.search(r'[(](.*?)[)]:', source).group(1)}):\n"
    asked = re.findall(r"(\w+)", re.search(r"[(](.*?)[)]:", source).group(1))
    found = refvi.verify(changed(SHORT, f"{wrong}    return 1.3 * right({', '.join(asked)}) + 0.2\n"), stage=stage)
    assert {result.row for result in found.failures} == {row.replace("_", " ")}


def test_it_runs_in_a_kernel(tmp_path, monkeypatch):
    client = pytest.importorskip("nbclient", reason="no kernel at hand: pip install nbclient ipykernel")
    pytest.importorskip("ipykernel", reason="no kernel at hand: pip install nbclient ipykernel")
    nbformat = pytest.importorskip("nbformat")
    assert main(["notebook", SHORT, "--out", str(tmp_path)]) == 0
    book = nbformat.read(tmp_path / f"{SHORT}.ipynb", 4)
    nbformat.validate(book)
    monkeypatch.setenv("PYTHONPATH", str(files.checkout()))
    room = {"metadata": {"path": str(tmp_path)}}        # a kernel drops the current folder from where it looks
    client.NotebookClient(book, timeout=300, kernel_name="python3", resources=room).execute()
    shown = [output.get("data", {}) for cell in book.cells if cell.cell_type == "code" for output in cell.outputs]
    assert any("image/png" in data for data in shown) and any("PASS" in data.get("text/html", "") for data in shown)


def test_what_a_reader_has_changed_is_not_written_over(tmp_path, capsys):
    (tmp_path / f"{SHORT}.ipynb").write_text("mine")
    assert main(["notebook", SHORT, "--out", str(tmp_path)]) == 2
    assert "may hold your changes" in capsys.readouterr().err
    assert main(["notebook", "mona_lisa", "--out", str(tmp_path)]) == 2
    assert "no chapter 'mona_lisa'" in capsys.readouterr().err


def test_markdown_is_written_as_notebooks_read_it():
    assert markdown("See [below](#there), $`x^2`$ and [this](https://example.org).") == (
        "See below, $x^2$ and [this](https://example.org).")
    assert markdown("```math\nx := 1\n```") == "$$\nx := 1\n$$"
    assert markdown("```math\n\\begin{align}\n& x\n\\end{align}\n```").startswith("\\begin{align}")


def test_it_is_a_notebook_of_the_format(tmp_path):
    assert main(["notebook", SHORT, "--out", str(tmp_path)]) == 0
    book = json.loads((tmp_path / f"{SHORT}.ipynb").read_text(encoding="utf-8"))
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5) and "ADDRESS" in "".join(book["cells"][0]["source"])
