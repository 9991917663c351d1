"""Whole pages through the worker: wiring, broken documents, hangs, crashes, replay, and the command's files and exit
status.
"""
import json
import os
import secrets
import signal
import subprocess
import sys
import time

import pytest

from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.verify.run import Options, verify
from refvi.verify.trial import FAIL, PASS
from tests.verify.proof import write_page

PAGE = r"""
    # My lecture

    ## A sum
    ```math
    \begin{align}
    & \sum_{k=1}^n k      \tag{added} \\
    &= \frac{n(n+1)}{2}   \tag{gauss}
    \end{align}
    ```
    """
COMPANION = """
    def stage(rng):
        return dict(n=int(rng.integers(3, 9)))

    def stage_large():
        return dict(n=100)

    def added(n):
        return sum(range(n + 1))

    def gauss(n):
        return n * (n + 1) / 2
    """


def play(page, entropy=None, **options):
    """All results of a page, in order; without entropy where no verdict rests on what is drawn."""
    entropy = secrets.randbits(128) if entropy is None else entropy
    return [r for kind, news in verify(page, Options(entropy, **options)) if kind == "results" for r in news]


def failures(results):
    return [(r.row, r.line, r.message) for r in results if r.verdict != PASS]


def test_any_page_with_a_companion_is_verified(tmp_path, entropy):
    results = play(write_page(tmp_path, PAGE, COMPANION), entropy)
    assert [(r.stage, r.row, r.verdict) for r in results] == [
        (s, row, PASS) for s in ("stage", "large") for row in ("added", "gauss")
    ]
    assert results[0].chain == "A sum" and results[1].line == 8


def test_a_folder_with_spaces_and_umlauts(tmp_path, entropy):
    folder = tmp_path / "Vorlesung über ELBO"
    folder.mkdir()
    assert failures(play(write_page(folder, PAGE, COMPANION), entropy)) == []


def test_a_stage_is_set_as_often_as_asked(tmp_path, entropy):
    results = play(write_page(tmp_path, PAGE, COMPANION), entropy, stages=3)
    assert [r.stage for r in results if r.row == "gauss"] == ["stage", "stage-1", "stage-2", "large", "large-1",
                                                              "large-2"]
    one = play(write_page(tmp_path, PAGE, COMPANION), entropy, stage="stage-2")
    assert [r for r in one] == [r for r in results if r.stage == "stage-2"]


@pytest.mark.parametrize(
    "old, new, row, line, message",
    [("def gauss", "def euler", "gauss", 8, "no function gauss: define it in the companion"),
     ("def gauss(n)", "def gauss(n, m)", "gauss", 8, "no stage supplies m: add it to the dict"),
     ("return n * (n", "return added(n) + 0 * (n", "gauss", 8, "enters its neighbour {added}"),
     ("return n * (n", "return 1 / 0 * (n", "gauss", 8, "raised ZeroDivisionError: division by zero (page.py:"),
     ("return n * (n", "return float('nan') * (n", "gauss", 8, "is nan"),
     ("return n * (n", "return [n, n] * (n", "gauss", 8, "raised TypeError"),
     ("return n * (n", "while n: pass\n        return (n", "gauss", 8,
      "did not return within 2 s: make it faster, or give it longer with --timeout"),
     ("return n * (n", "__import__('os')._exit(3)\n        return (n", "gauss", 8,
      "ended its process (exit code 3)"),
     ("def gauss(n):", "gauss = 5\n    def other(n):", "gauss", 8, "gauss is a int, not a function"),
     ("n * (n + 1) / 2", "n * (n - 1) / 2", "gauss", 8, "the two rows differ")],
)
def test_a_broken_row_is_reported_and_the_others_run(tmp_path, old, new, row, line, message):
    assert old in COMPANION
    results = play(write_page(tmp_path, PAGE, COMPANION.replace(old, new)), timeout=2.0)
    found = failures(results)
    assert {f[:2] for f in found} == {(row, line)} and all(message in f[2] for f in found), found
    assert [r.verdict for r in results if r.row == "added"] == [PASS, PASS]


@pytest.mark.parametrize("old, new, row, message", [
    (r"\tag{gauss}", "", "row of line 8", "a row without a tag: end every row with one"),
    (r"&= \frac{n(n+1)}{2}", r"&= n = n", "gauss", "a row with 2 relations (= =): give each its own row"),
    ("```math", "```latex", "", "no chain to verify: write one as an align environment"),
])
def test_a_broken_page_is_reported(tmp_path, old, new, row, message):
    found = failures(play(write_page(tmp_path, PAGE.replace(old, new), COMPANION)))
    assert {f[0] for f in found} == {row} and all(message in f[2] for f in found), found


@pytest.mark.parametrize(
    "old, new, message",
    [("def stage(rng)", "def scene(rng)", "stage"),
     ("return dict(n=100)", "return 100", "stage large returns int: return a dict"),
     ("return dict(n=100)", "return dict(n=1 / 0)", "stage large raised ZeroDivisionError"),
     ("return dict(n=100)", "while True: pass", "did not return within 2 s"),
     ("def gauss", "import nowhere\n\n    def gauss",
      "page.py raised ModuleNotFoundError: No module named 'nowhere' (page.py:11)")],
)
def test_a_broken_companion_is_reported(tmp_path, old, new, message):
    companion = COMPANION.replace(old, new)
    if "scene" in companion:
        companion = companion.replace("def stage_large", "def scene_large")
        message = "has no stage: define stage(rng)"
    assert any(message in f[2] for f in failures(play(write_page(tmp_path, PAGE, companion), timeout=2.0)))


def test_a_page_without_companion_says_so(tmp_path):
    page = write_page(tmp_path, PAGE, COMPANION)
    page.with_suffix(".py").unlink()
    assert "no companion page.py beside page.md" in failures(play(page))[0][2]


def test_no_stage_that_supplies_everything(tmp_path):
    companion = (COMPANION.replace("def added(n)", "def added(n, one)") .replace("def gauss(n)", "def gauss(n, two)")
                 .replace("dict(n=100)", "dict(n=100, two=2)"))
    companion = companion.replace("dict(n=int", "dict(one=1, n=int")
    ((row, _, message),) = failures(play(write_page(tmp_path, PAGE, companion)))
    assert row == "the chain" and "stage lacks two; large lacks one" in message


def test_a_stage_that_plays_nothing_is_named(tmp_path):
    companion = COMPANION.replace("return dict(n=100)", "return dict(N=100)")
    (row, _, message), = failures(play(write_page(tmp_path, PAGE, companion)))
    assert "stage large plays no chain" in message


def test_a_stage_must_not_run_a_row(tmp_path, entropy):
    companion = COMPANION.replace("return dict(n=100)", "return dict(n=100, table=added(100))")
    assert any(
        "stage large runs the row added" in f[2] for f in failures(play(write_page(tmp_path, PAGE, companion), entropy))
    )


def test_a_companion_must_not_run_a_row_as_it_is_loaded(tmp_path, entropy):
    companion = COMPANION.replace("return n * (n + 1) / 2", "return SUM + 0 * n") + "\n    SUM = added(100)\n"
    assert any("page.py runs the row added as it is loaded" in f[2]
               for f in failures(play(write_page(tmp_path, PAGE, companion), entropy)))


def test_a_stage_may_be_any_callable_and_have_a_number_for_a_name(tmp_path, entropy, capsys):
    companion = (COMPANION + "\n    import functools\n    def base(k):\n        return dict(n=k)\n"
                 + "    stage_2 = functools.partial(base, k=2)\n")
    assert {r.stage for r in play(write_page(tmp_path, PAGE, companion), entropy)} == {"stage", "large", "2"}
    assert main(["verify", str(tmp_path / "page.md"), "--stages", "3"]) == 0
    assert "(stage 2, 3 settings" in capsys.readouterr().out


def test_the_other_chains_of_a_page_run_after_a_hang(tmp_path):
    second = PAGE.replace("## A sum", "## Again").replace("# My lecture", "").replace("gauss", "slow")
    companion = COMPANION + "\n    def slow(n):\n        while True: pass\n"
    results = play(write_page(tmp_path, PAGE.replace("# My", second + "\n    # My"), companion), timeout=1.)
    assert [(r.chain, r.stage) for r in results if r.verdict == FAIL] == [("Again", "stage"), ("Again", "large")]
    assert len(results) == 8


def test_a_row_that_hangs_beside_the_others_is_left_out_and_nothing_is_told_twice(tmp_path):
    """Alone it returns: only the worker, in which the rows run one beside the other, falls silent, once a stage."""
    companion = COMPANION.replace("return n *", "while os.getpid() == WORKER: pass\n        return n *") + """
    import os
    WORKER = os.getpid()

    def stage_odd():
        return 100
    """
    results = play(write_page(tmp_path, PAGE, companion), timeout=1.0)
    assert [(r.stage, r.row, r.verdict) for r in results] == [
        ("odd", "", FAIL), ("stage", "added", PASS), ("stage", "gauss", FAIL), ("large", "added", PASS),
        ("large", "gauss", FAIL)]
    assert all("did not return within 1 s" in r.message for r in results if r.row == "gauss")


def test_where_no_stage_can_be_set_nothing_else_is_complained_of(tmp_path):
    companion = COMPANION.replace("return dict(n=", "return int(n=")
    found = failures(play(write_page(tmp_path, PAGE, companion)))
    assert [message.split(" raised")[0] for _, _, message in found] == ["stage stage", "stage large"]


def test_the_source_of_rows_is_changed_on_all_stages_only(tmp_path, entropy):
    page = write_page(tmp_path, PAGE, COMPANION)
    counted = {stage: sum("source" in r.how for r in play(page, entropy, mutants=1, stage=stage))
               for stage in (None, "large")}
    assert counted[None] > 0 == counted["large"]


# ---- the command

def test_the_command_tells_pass_from_fail_by_its_exit_status(tmp_path, capsys):
    page = write_page(tmp_path, PAGE, COMPANION)
    assert main(["verify", str(page)]) == 0
    told = capsys.readouterr().out
    assert "page.md: A sum (stage large)" in told and "= gauss" in told and "2 checks: 2 PASS" in told
    write_page(tmp_path, PAGE, COMPANION.replace("n + 1) / 2", "n - 1) / 2"))
    assert main(["verify", str(page)]) == 1
    told = capsys.readouterr().out
    replay = next(line.split("replay: refvi ")[1] for line in told.splitlines() if "--stage large" in line)
    assert f"{page}:8: the two rows differ" in told and "this row 4950., {added} 5050\n" in told
    assert main(replay.split()) == 1
    assert "stage large" in capsys.readouterr().out


def test_what_is_unpinned_is_named_and_refused_under_strict(tmp_path, capsys):
    bound = PAGE.replace(r"\tag{gauss}", r"\tag{gauss} \\" + "\n" + r"    &\le n^2 \tag{square}")
    page = write_page(tmp_path, bound, COMPANION + "\n    def square(n):\n        return n**2\n")
    assert main(["verify", str(page)]) == 0
    told = capsys.readouterr().out
    assert "pinned by {added} and {gauss}" in told and "1 segment unpinned" in told
    assert main(["verify", str(page), "--strict"]) == 1
    assert f"{page}:9: A sum, {{square}}: nothing but the row itself" in capsys.readouterr().out
    assert main(["verify", str(write_page(tmp_path, PAGE, COMPANION)), "--strict"]) == 0
    assert "unpinned" not in capsys.readouterr().out


@pytest.mark.parametrize("ending", ["", ".py"])
def test_a_page_named_without_its_ending_is_pointed_out(ending, tmp_path, capsys):
    page = write_page(tmp_path, PAGE, COMPANION)
    assert main(["verify", str(page.with_suffix(ending))]) == 2
    assert f"did you mean {page}?" in capsys.readouterr().err


def test_the_report_fits_a_narrow_window_and_tells_values_apart(tmp_path, capsys):
    near = COMPANION.replace("/ 2", "/ 2 * (1 + 3e-8)")
    assert main(["verify", str(write_page(tmp_path, PAGE, near)), "--failures"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert "      this row 5050.000152, {added} 5050" in told
    assert all(len(line) <= 80 for line in told if str(tmp_path) not in line and "--entropy" not in line)


def test_one_mistake_is_one_failure(tmp_path, entropy):
    page = PAGE.replace(
        r"\tag{gauss}", r"\tag{gauss} \\" + "\n" + r"    &= 2 \tag{third} \\" + "\n" + r"    &= 3 \tag{fourth}"
    )
    more = (COMPANION + "\n    def third(n):\n        return 1. * n + n * (n - 1) / 2\n"
            + "\n    def fourth(n):\n        return sum([k for k in range(1, n + 1)])\n")
    results = play(write_page(tmp_path, page, more.replace("(n + 1) / 2", "(n + 2) / 2")), entropy, stage="large")
    assert [(r.row, r.verdict) for r in results] == [("added", PASS), ("gauss", FAIL), ("third", PASS),
                                                     ("fourth", PASS)]
    assert (results[2].notes[-1] == "held against line 7, since line 8 between them failed"
            and results[2].against == "added")
    both = more.replace("(n + 1) / 2", "(n + 2) / 2").replace("1. * n + n * (n - 1)", "1. * n + n * n")
    results = play(write_page(tmp_path, page, both), entropy, stage="large")
    assert [r.verdict for r in results] == [PASS, FAIL, PASS, PASS] and results[2].notes[
        -1
    ] == "follows from line 8, which failed"


def test_nothing_but_a_report_is_written_over(tmp_path, capsys):
    page = write_page(tmp_path, PAGE, COMPANION)
    for victim in (page, page.with_suffix(".py")):
        before = victim.read_bytes()
        assert main(["verify", str(page), "--json", str(victim)]) == 2
        assert "is no report of refvi's" in capsys.readouterr().err and victim.read_bytes() == before
    for _ in range(2):
        assert main(["verify", str(page), "--json", str(tmp_path / "report.json")]) == 0


def test_colour_is_for_terminals_that_have_it(monkeypatch):
    from refvi.app import verify as command
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    for term, no_color, wanted in (("xterm", "", True), ("xterm", "1", False), ("dumb", "", False)):
        monkeypatch.setenv("TERM", term)
        monkeypatch.setenv("NO_COLOR", no_color)
        assert command.in_colour() == wanted
    assert command.coloured("  = a row  1e-3  FAIL") == "  = a row  1e-3  \033[1;31mFAIL\033[0m"


def test_the_checker_is_called_from_python(tmp_path, entropy):
    import refvi

    page = write_page(tmp_path, PAGE, COMPANION)
    results = refvi.verify(page, entropy=entropy)
    assert (
        results.passed
        and [r.row for r in results] == ["added", "gauss"] * 2
        and str(results).endswith(f"--entropy {entropy:#034x}]")
    )
    assert results._repr_html_().count("<tr>") == 5
    write_page(tmp_path, PAGE, COMPANION.replace("(n + 1)", "(n + 2)"))
    assert [r.row for r in refvi.verify(str(page)).failures] == ["gauss", "gauss"]
    with pytest.raises(FileNotFoundError, match="no page nowhere.md"):
        refvi.verify("nowhere.md")


def test_many_stages_make_one_table(tmp_path, capsys):
    assert main(["verify", str(write_page(tmp_path, PAGE, COMPANION)), "--stages", "5"]) == 0
    told = capsys.readouterr().out
    assert "stage large, 5 settings" in told and "PASS 5 of 5" in told and "10 checks: 10 PASS" in told


@pytest.mark.parametrize("words, message", [
    (["no_such_chapter"], f"no chapter 'no_such_chapter': expected one of {', '.join(CHAPTERS)}"),
    (["nowhere.md"], "no page nowhere.md"),
    (["."], "no chapter '.': expected one of"),
    (["elbo", "--stage", "moon"], "no stage 'moon'"),
])
def test_wrong_calls_say_what_was_expected(words, message, capsys):
    assert main(["verify", *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    "words", [["--stages", "0"], ["--timeout", "-1"], ["--entropy", "xyz"], ["--entropy", "f" * 33]]
)
def test_wrong_numbers_are_refused_by_the_parser(words, capsys):
    with pytest.raises(SystemExit) as refused:
        main(["verify", *words])
    assert refused.value.code == 2 and words[0] in capsys.readouterr().err


def test_the_report_for_a_machine_and_the_pictures(tmp_path, capsys):
    assert (
        main(["verify", "score_function", "--stage", "categorical", "--json", str(tmp_path / "report.json"), "--plot",
              str(tmp_path / "plots")])
        == 0
    )
    report = json.loads((tmp_path / "report.json").read_text())
    rows = report["pages"][0]["results"]
    assert report["interrupted"] is None and int(report["entropy"], 16) < 2**128
    assert {"chain", "stage", "row", "relation", "how", "gap", "resolution", "scale", "verdict", "value",
            "reference"} <= set(rows[0])
    assert {r["stage"] for r in rows} == {"categorical"}
    pictures = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert len(pictures) == sum("draws" in r["how"] and "exact" not in r["how"] for r in rows) > 2
    told = capsys.readouterr().out
    assert (f"wrote {tmp_path / 'report.json'}" in told
            and f"{tmp_path / 'plots'} holds 4 pictures: one for every random row" in told)
    assert main(["verify", "elbo", "--json", str(tmp_path / "report.json" / "inside.json")]) == 2
    assert "cannot write the report to" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="POSIX pipes")
def test_a_reader_who_has_seen_enough_gets_no_complaint(tmp_path):
    page = write_page(tmp_path, PAGE, COMPANION)
    run = subprocess.Popen([sys.executable, "-m", "refvi", "verify", str(page), "--stages", "30"],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    run.stdout.close()
    assert run.stderr.read() == "" and run.wait(30) == 141
    run.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
def test_ctrl_c_leaves_a_partial_report(tmp_path):
    second = PAGE.replace("## A sum", "## Again").replace("gauss", "slow")
    page = write_page(tmp_path, PAGE + second, COMPANION + "\n    def slow(n):\n        while True: pass\n")
    run = subprocess.Popen(
        [sys.executable, "-m", "refvi", "verify", str(page), "--json", str(tmp_path / "report.json")],
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # a background job inherits a deaf ear
    while "large" not in run.stdout.readline():
        assert run.poll() is None
    time.sleep(0.5)
    run.send_signal(signal.SIGINT)
    told, _ = run.communicate(timeout=30)
    assert run.returncode == 130
    assert "interrupted after 2 checks (page.md: 2 of 4 chains and stages)" in told
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["interrupted"] == "page.md: 2 of 4 chains and stages"
    assert [r["verdict"] for r in report["pages"][0]["results"]] == [PASS] * 4


def test_a_wrong_random_row_beside_a_random_one_gets_its_mutant(tmp_path, entropy):
    """Two coordinates, a difference held against zero: its mutant is made right, and refused."""
    page = write_page(
        tmp_path,
        r"""
        ```math
        \begin{align}
        & \mathbb{E}[z^2] \tag{truth} \\
        &\approx z^2 \tag{square} \\
        &\ne 2 z^2 \tag{twice}
        \end{align}
        ```
        """,
        """
        import numpy as np
        from refvi import noise, normal
        def stage(rng):
            lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
            return dict(lam=lam, S=1, noise=noise(normal, lam))
        def truth(lam):
            return np.array([lam[0]**2 + np.exp(2 * lam[1]), 1.])
        def square(eps):
            return np.stack([np.mean(eps**2, axis=-1), np.ones(len(eps))], axis=-1)
        def twice(eps):
            return 2 * np.stack([np.mean(eps * eps, axis=-1), np.ones(len(eps))], axis=-1)
        """,
    )
    results = [r for kind, news in verify(page, Options(entropy, mutants=3)) if kind == "results" for r in news]
    assert {r.verdict for r in results if r.how != "source mutant"} == {PASS} and any(
        r.row == "mutants" for r in results
    ), results


def test_a_bound_below_a_random_row_is_not_accused(tmp_path, entropy):
    """Both sides random, and a number below a random row: each is moved across the gap, and refused."""
    page = write_page(tmp_path, r"""
        ```math
        \begin{align}
        & \mathbb{E}[z^2] \tag{truth} \\
        &\approx z^2 \tag{square} \\
        &\ge z^2 - |z| \tag{less} \\
        &\ge -9 \tag{least}
        \end{align}
        ```
        """, """
        import numpy as np
        from refvi import noise, normal
        def stage(rng):
            lam = np.array([rng.uniform(0.4, 0.9), rng.uniform(-0.8, -0.3)])
            return dict(lam=lam, S=2, noise=noise(normal, lam))
        def truth(lam):
            return lam[0]**2 + np.exp(2 * lam[1])
        def square(eps):
            return np.mean(eps**2, axis=-1)
        def less(eps):
            return np.mean(eps * eps - np.abs(eps), axis=-1)
        def least(lam):
            return -9. * lam[0]
        """)
    results = play(page, entropy, mutants=1)
    assert [r.message for r in results if r.verdict != PASS and r.how != "source mutant"] == []
    assert any(r.row == "mutants" and "all refused" in r.how for r in results)
