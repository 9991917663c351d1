"""refvi html: every formula converts, links lead somewhere, verdicts are those of the report, no page is too wide."""
import json
import os
import re
import shutil
import subprocess
import time
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from refvi import CHAPTERS
from refvi.__main__ import main
from refvi.base import decks, files
from refvi.verify.document import read

for package in ("markdown_it", "math_core", "pygments"):
    pytest.importorskip(package, reason="an optional package: pip install -e '.[html]'")

from refvi.reading import symbols
from refvi.reading.page import parser_of, with_sentences
from refvi.reading.site import size_of
from refvi.reading.slides import to_items, with_indices
from refvi.reading.typeset import mathml
from refvi.reading.verdicts import Report, read_report, verdict_of

CHROMIUM = next((path for path in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if path), None)
GIVEN = {"chain": "The bound", "stage": "normal", "row": "log evidence", "relation": "", "line": 1, "how": "given",
         "gap": None, "resolution": None, "verdict": "PASS", "message": "", "against": "", "pinned": [], "unpinned": ""}


def result(row, **changes):
    """One result of a report."""
    played = {"row": row, "relation": "=", "how": "exact", "gap": 1e-16, "resolution": 1e-8, "against": "log evidence"}
    return GIVEN | played | changes


RESULTS = [GIVEN, result("log of integral"),
           result("log of expectation", verdict="FAIL", gap=.25, message="too far", stage="mixture"),
           result("mutants", how="9 planted, all refused", gap=None, resolution=None),
           result("mutants of log of integral", how="3 in source, 2 refused", verdict="FAIL", gap=None,
                  resolution=None, message="line 24 survives"),
           result("log of expectation", against="renamed since"),
           result("expectation of log", against="log of expectation", unpinned="alone")]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site with the verdicts of a small report of one page."""
    out = tmp_path_factory.mktemp("site")
    report = out / "report.json"
    pages = [{"page": "derivations/bound/elbo.md", "results": RESULTS}]
    report.write_text(json.dumps({"entropy": "0x0", "interrupted": False, "pages": pages}), encoding="utf-8")
    started = time.perf_counter()
    assert main(["html", "--out", str(out / "site"), "--report", str(report)]) == 0
    print(f"built in {time.perf_counter() - started:.1f} s")
    return out / "site"


class Page(HTMLParser):
    """Where a page leads, what it loads, and the names in it."""

    def __init__(self, path):
        super().__init__()
        self.links, self.loads, self.ids, self.pictures = [], [], [], []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if tag == "a" and "href" in found else []
        self.loads += [found[name] for name in ("src", "href") if name in found and tag != "a"]
        self.pictures += [found] if tag == "img" else []


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: Page(path) for path in sorted(site.glob("*.html"))}


def test_there_is_a_page_for_every_chapter_and_every_deck(pages):
    extra = {"index", "all", "open", "search", "notation", "errata"}
    assert {f"{name}.html" for name in {*CHAPTERS, *extra, *(f"deck_{deck}" for deck in decks.DECKS)}} <= pages.keys()


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site, pages):
    for name, page in pages.items():
        for link in page.links:
            target, _, anchor = link.partition("#")
            if not re.match(r"https?:|mailto:", target):
                assert (site / (unquote(target) or name)).is_file(), (name, link)
                assert not anchor or unquote(anchor) in pages[target or name].ids, (name, link)
        for load in page.loads:
            assert load == "data:," or ":" not in load and (site / load).is_file(), (name, load)
    for sheet in site.glob("*.css"):
        assert re.findall(r"url\((.*?)\)", sheet.read_text(encoding="utf-8")) == ["math.woff2"]


def test_names_stand_once_and_pictures_are_told_in_words(pages):
    for name, page in pages.items():
        assert len(page.ids) == len(set(page.ids)), name
        assert all(picture.get("alt") for picture in page.pictures), name


def test_headings_go_down_one_by_one_and_what_takes_the_focus_has_a_name(site):
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8").replace("<article", "<h0><article")
        levels = [int(level) for level in re.findall(r"<h([0-9])[ >]", text)]
        assert levels[:1] in ([0], [1]) and all(below <= above + 1 for above, below in zip(levels, levels[1:])), path
        assert not re.search(r'<(?!pre)\w+[^>]* tabindex="0"(?![^>]* aria-label="[^"])', text), path


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_formula_of_a_page_stands_in_the_site(site, name):
    source = files.page(name).read_text(encoding="utf-8")
    page = (site / f"{name}.html").read_text(encoding="utf-8")
    rows = [row for chain in read(files.page(name)).chains for row in chain.rows]
    displayed = len(re.findall(r"(?m)^```math$", source)) - len(re.findall(r"\\begin\{align\*?\}", source))
    formulas = page.count("<math")
    assert formulas >= len(rows) + displayed + len(re.findall(r"\$`[^`]+`\$", source)) and "```" not in page
    assert page.count('class="row') == len(rows) and "merror" not in page
    assert formulas == page.count("application/x-tex")


def test_five_chapters_have_a_picture_that_moves(site):
    texts = {path.stem: path.read_text(encoding="utf-8") for path in site.glob("*.html")}
    moving = [name for name, text in texts.items() if '<template class="frames"><svg' in text]
    assert sorted(moving) == ["distributions", "elbo", "mle", "score_function", "vae"]


def test_a_picture_is_the_committed_one(tmp_path):
    from refvi.reading.site import Site

    for folder in ("drawn", "gradients"):
        (tmp_path / "figures" / folder).mkdir(parents=True)
        (tmp_path / "figures" / folder / "banana.svg").write_text("<svg/>", encoding="utf-8")
    here = Site()
    here.home = tmp_path
    assert here.picture("banana") == "figures-gradients-banana.svg"


def test_a_copied_picture_is_lighter_and_keeps_the_size_of_its_letters():
    from refvi.reading.build import lighter
    svg = '<svg>\n  <metadata>me</metadata>\n  <path d="M 12.34567 -10.9999" transform="scale(0.015625)"/>\n</svg>'
    assert lighter(svg) == '<svg>\n<path d="M 12.34 -10.99" transform="scale(0.015625)"/>\n</svg>'


def test_the_site_is_small(site):
    assert sum(path.stat().st_size for path in site.iterdir()) < 20e6


def test_all_chapters_stand_on_one_page_and_lead_to_each_other_there(site, pages):
    page, text = pages["all.html"], (site / "all.html").read_text(encoding="utf-8")
    rows = sum(len(chain.rows) for name in CHAPTERS for chain in read(files.page(name)).chains)
    assert {*CHAPTERS, "elbo-row-log-of-integral"} <= set(page.ids) and text.count('class="row') == rows
    assert "#elbo-row-log-of-integral" in page.links and "#mean_field" in page.links and "elbo.html" not in page.links
    assert not any(part in text for part in ("<pre><span", "<template", "<details class"))
    assert len(page.pictures) > 40 and all(picture["loading"] == "lazy" for picture in page.pictures)


def row_of(site, tag):
    """The HTML of a row on the page of the bound."""
    text = (site / "elbo.html").read_text(encoding="utf-8")
    return text.split(f'id="row-{tag.replace(" ", "-")}"')[1].split('role="listitem"')[0]


def test_a_row_shows_the_worst_of_its_stages_and_that_of_its_ground(site):
    refused, above = row_of(site, "log of expectation"), row_of(site, "expectation of log")
    assert "✗ is refused" in refused and "gap 0.25" in refused and "too far" in refused and "stage mixture" in refused
    assert "✓ holds" in above and "✗ ground" in above and "unpinned: alone" in above
    assert "• is given" in row_of(site, "log evidence") and "✗ ground" not in row_of(site, "log of integral")
    assert "not in the report" in row_of(site, "closed form")
    assert "mutants: 3 in source, 2 refused; line 24 survives" in row_of(site, "log of integral")
    assert "✓ holds" in row_of(site, "log of integral") and "renamed since" in refused


def test_what_is_open_names_what_fails_and_what_nothing_pins(site):
    text = (site / "open.html").read_text(encoding="utf-8")
    assert 'href="elbo.html#row-log-of-expectation"' in text and 'href="elbo.html#row-expectation-of-log"' in text
    assert "2 rows do not hold" in text and "row-log-of-integral" not in text


def test_the_worst_is_what_comes_closest_to_failing():
    near = verdict_of([result("a"), result("a", gap=9e-9, stage="near")])
    assert "gap 9e-09" in near.told and "stage near" in near.told and near.kind == "PASS"
    slips = [result("a", relation=r"\ne", gap=gap, stage=str(gap)) for gap in (2., 3.)]
    assert verdict_of(slips).gap == 2.


def test_a_slip_is_struck_through_and_says_what_it_computes(site):
    slip = row_of(site, "elbo minus kl")
    tags = [row.tag for chain in read(files.page("elbo")).chains for row in chain.rows]
    instead = tags[tags.index("elbo minus kl") + 1].replace(" ", "-")
    assert f'computes instead is <a href="elbo.html#row-{instead}' in slip
    assert 'class="row slip"' in (site / "elbo.html").read_text(encoding="utf-8")


def test_a_report_that_is_older_than_the_sources_is_stale_and_none_is_none(tmp_path):
    report, source = tmp_path / "report.json", tmp_path / "page.md"
    report.write_text('{"entropy": "0x0", "interrupted": false, "pages": []}', encoding="utf-8")
    source.write_text("", encoding="utf-8")
    os.utime(report, (1e9, 1e9))
    assert read_report(report, [source]).stale
    os.utime(source, (9e8, 9e8))
    assert not read_report(report, [source]).stale
    assert read_report(None, [source]) == Report("", False, {})


def test_a_page_without_a_report_says_so(tmp_path):
    from refvi.reading.build import dated
    assert "without a report" in dated(Report("", False, {})) and "verify again" in dated(Report("now", True, {}))


def test_a_slide_shows_its_rows_its_pictures_and_its_erratum(site):
    for item in decks.items():
        text = (site / f"deck_{item['deck']}.html").read_text(encoding="utf-8")
        part = text.split(f'id="{item["id"]}"')[1].split('class="item"')[0]
        for kind, chapter, name in decks.places(item):
            shown = {"row": f'href="{chapter}.html#row-{name.replace(" ", "-")}', "figure": f"-{name}.",
                     "fit": f"refvi fit {name}"}[kind]
            again = f'{name.replace("_", " ")}</a>, above'
            assert shown in part or kind == "figure" and again in part, item["id"]
        for slide in text.split("<section")[1:]:
            pictures = re.findall(r'src="([^"]*)"', slide)
            assert len(pictures) == len(set(pictures))
    wrong = (site / "deck_PML.html").read_text(encoding="utf-8").split('id="PML.066"')[1].split('class="item"')[0]
    assert "Erratum." in wrong and "factor 1/2" in wrong


def test_a_statement_has_its_greek_its_indices_and_its_items_as_such():
    assert with_indices("N(x|mu_theta(c), sigma^2) < Beta") == "N(x|μ<sub>θ</sub>(c), σ<sup>2</sup>) &lt; Beta"
    assert to_items("As PML.075.") == 'As <a href="deck_PML.html#PML.075">PML.075</a>.'


def test_pictures_keep_their_room_and_wide_ones_scroll_on_a_phone(site, pages):
    pictures = [picture for name in CHAPTERS for picture in pages[f"{name}.html"].pictures]
    assert all(int(picture["width"]) > 99 and int(picture["height"]) > 60 for picture in pictures)
    assert size_of(site / "figures-generative-vae_latent.png") == [660, 660]
    assert size_of(site / "figures-gradients-bbvi_run.gif") == [416, 260]
    assert '<span class="broad"><img src="figures-likelihood-conditional_plates.svg"' in (
        site / "conditional.html").read_text(encoding="utf-8")


def test_a_sentence_stands_with_its_row_and_other_items_stay():
    text = "```math\n\\begin{align}\n& 1 \\tag{one}\n\\end{align}\n```\n\n- **one.** Here.\n- **two.** There.\n"
    tokens = with_sentences(parser_of().parse(text))
    assert list(tokens[0].meta["sentences"]) == ["one"]
    both = with_sentences(parser_of().parse(text.replace("**one.** Here", "**one**, **three.** Here")))
    assert "**one**, **three.** Here." == both[0].meta["sentences"]["one"][1].content
    tagged = with_sentences(parser_of().parse(text.replace("one", "one and all")))
    assert list(tagged[0].meta["sentences"]) == ["one and all"]
    assert "two" in parser_of().renderer.render(tokens, parser_of().options, {"chains": {}}).split("<li>")[1]


def test_latex_that_is_unknown_is_refused_and_what_is_known_is_kept():
    with pytest.raises(ValueError, match="cannot typeset"):
        mathml(r"\nosuchcommand")
    assert r"\lambda^2</annotation>" in mathml(r"\lambda^2")
    assert "mtable" in mathml("\\begin{split} a \\\\\n b \\end{split}")


def test_the_symbols_are_those_of_the_notation():
    found = symbols.symbols(files.checkout())
    assert found["S"][2] == {"PML": ["M", "<mi>M</mi>"]} and "draws in one estimate" in found["S"][1]
    assert "in generative, " in found["M"][1]


def test_a_symbol_of_several_letters_is_found_as_it_is_built():
    found, family = symbols.symbols(files.checkout()), symbols.form(symbols.tree(r"q_\lambda"))
    assert family == "msub(q,λ)" and found[family][0] == "q_λ" == found["q"][0]
    assert found[symbols.form(symbols.tree(r"\lambda_n"))][2]["RAI"][0] == "ϕ_n"
    heads = symbols.heads(r"$`f(\epsilon, \lambda), \log\sigma; \mathrm{d}`$ in $`R`$")
    assert [symbols.form(one) for one in heads] == ["f", "σ", "normal:d"]


def test_a_missing_package_is_named(monkeypatch, capsys):
    from refvi.app import html
    monkeypatch.setattr(html, "NEEDED", {"no_such_package": "no-such-package"})
    assert main(["html"]) == 2
    assert "refvi html needs no-such-package: pip install -e '.[html]'" in capsys.readouterr().err


PROBE = """
<script>addEventListener("load", async () => {
  await document.fonts.ready;
  const edge = document.documentElement.clientWidth, wide = [], index = document.querySelector("msub > mi + mi");
  const width = shapes => { index.style.fontFeatureSettings = shapes; return index.getBoundingClientRect().width; };
  for (const part of document.querySelectorAll("main *"))
    if (!part.closest("math") && part.getBoundingClientRect().right > edge + 1 && !part.parentElement.closest(SCROLLS))
      wide.push(part.tagName + "." + part.className);
  parent.postMessage({ page: location.pathname.split("/").pop(), width: innerWidth, wide: wide.slice(0, 3),
    whole: document.documentElement.scrollWidth,
    font: !document.querySelector("math") || document.fonts.check("16px 'refvi math'"),
    shaped: !index || width("") > width("normal"),
    loads: performance.getEntriesByType("resource").map(load => load.name) }, "*");
});
const SCROLLS = "pre, table, .tex, .formula, .wide, .source, .broad";</script>
"""
HARNESS = """
<!doctype html><body><pre></pre><script>
const todo = TODO, seen = [], frame = document.body.appendChild(document.createElement("iframe"));
function next() {
  if (!todo.length) { document.querySelector("pre").textContent = JSON.stringify(seen); return; }
  const [page, width] = todo.pop();
  frame.style.cssText = `width: ${width}px; height: 800px; border: 0`;
  frame.src = page;
}
addEventListener("message", event => { seen.push(event.data); next(); });
next();
</script>
"""


FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]


def browsed(page, room):
    """A page as Chromium has it after its scripts have run."""
    flags = [*FLAGS, f"--user-data-dir={room / 'profile'}", "--virtual-time-budget=600000", "--dump-dom"]
    call = [CHROMIUM, *flags, page.as_uri()]
    return subprocess.run(call, capture_output=True, text=True, timeout=900, check=True).stdout


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium at hand: widths and requests are not measured")
def test_in_a_browser_no_page_is_too_wide_and_no_request_leaves_the_folder(site, tmp_path):
    room = tmp_path / "room"
    shutil.copytree(site, room)
    names = [*(f"{name}.html" for name in CHAPTERS), *(f"deck_{deck}.html" for deck in decks.DECKS),
             "index.html", "open.html", "search.html", "notation.html", "errata.html", "refvi-bound-elbo-rows.py.html"]
    for name in names:
        page = room / name
        page.write_text(page.read_text(encoding="utf-8").replace("</body>", f"{PROBE}</body>"), encoding="utf-8")
    todo = [[name, width] for name in names for width in (1280, 720, 360)]
    (room / "harness.html").write_text(HARNESS.replace("TODO", json.dumps(todo)), encoding="utf-8")
    told = browsed(room / "harness.html", tmp_path)
    seen = json.loads(re.search(r"<pre>(\[.*?\])</pre>", told, re.S).group(1))
    assert len(seen) == len(todo) and all(page["font"] and page["shaped"] for page in seen)
    assert [page for page in seen if page["whole"] > page["width"] or page["wide"]] == []
    assert [load for page in seen for load in page["loads"] if not load.startswith(Path(room).as_uri())] == []


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium at hand: nothing is printed")
def test_in_a_browser_pages_print_on_their_sheets_with_all_pictures(site, tmp_path):
    flags = [*FLAGS, f"--user-data-dir={tmp_path / 'profile'}", f"--print-to-pdf={tmp_path / 'page.pdf'}"]
    chapters = re.split('(?=<article id=)', (site / "all.html").read_text(encoding="utf-8"))
    few = "".join([*chapters[:3], chapters[-1]])        # the first two and the last, far down
    for name, text in (("lazy", few), ("eager", few.replace(' loading="lazy"', ""))):
        (site / f"{name}.html").write_text(text, encoding="utf-8")
    printed = {}
    for name in ("elbo", "lazy", "eager"):
        address = (site / f"{name}.html").as_uri()
        subprocess.run([CHROMIUM, *flags, address], capture_output=True, timeout=300, check=True)
        printed[name] = (tmp_path / "page.pdf").read_bytes()
    for name in ("lazy", "eager"):
        (site / f"{name}.html").unlink()
    assert 4 < len(re.findall(rb"/Type\s*/Page\b", printed["elbo"])) < 15
    assert len(printed["lazy"]) == pytest.approx(len(printed["eager"]), rel=1e-3)


ACTIONS = {"elbo.html": """
  const row = document.querySelector("#row-log-of-integral .tex"), math = row.querySelector("math");
  row.focus();
  const told = document.querySelector(".note").textContent;
  getSelection().selectAllChildren(math);
  const copied = new ClipboardEvent("copy", { clipboardData: new DataTransfer(), bubbles: true, cancelable: true });
  document.dispatchEvent(copied);
  const choice = document.querySelector("nav select");
  choice.value = "PML"; choice.dispatchEvent(new Event("change"));
  const there = document.querySelector("#row-average-log-weight mfrac mi:last-of-type").textContent;
  const slider = document.querySelector(".moving input");
  slider.value = 3; slider.dispatchEvent(new Event("input"));
  const shown = part => getComputedStyle(part).display !== "none";
  const moved = [...document.querySelectorAll(".moving [data-frame]")].filter(shown).map(part => part.dataset.frame);
  choice.value = ""; choice.dispatchEvent(new Event("change"));
  const back = document.querySelector("#row-average-log-weight mfrac mi:last-of-type").textContent;
  const family = [...document.querySelectorAll("math *")].find(part => form(part) === "msub(q,λ)").firstElementChild;
  family.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
  const several = document.querySelector(".note").textContent;
  const says = document.querySelector(".moving").textContent.includes("This picture can be moved: pull the slider");
  return [slider.parentElement.textContent, says, ...new Set(moved), told.includes("latent variable"),
          copied.clipboardData.getData("text/plain"), there, back, several.includes("q_λ: approximation")];""",
           "deck_PML.html": """
  const walked = slides.map(() => {
    document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
    return document.activeElement.querySelector("h2").textContent;
  });
  return walked;""",
           "search.html": """
  const found = text => {
    words.value = text; words.dispatchEvent(new Event("input"));
    return [...document.querySelectorAll("#found a")].map(link => link.getAttribute("href"));
  };
  return [...found("Jensen log"), found("θ given").length === found("theta given").length];"""}


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium at hand: the script is not tried")
@pytest.mark.parametrize("name", ACTIONS)
def test_in_a_browser_symbols_explain_themselves_copies_are_latex_and_arrows_walk(site, tmp_path, name):
    room = tmp_path / "room"
    shutil.copytree(site, room)
    script = f"<script>document.title = JSON.stringify((() => {{{ACTIONS[name]}}})());</script></body>"
    text = (room / name).read_text(encoding="utf-8").replace("</body>", script)
    (room / name).write_text(text, encoding="utf-8")
    seen = json.loads(unescape(re.search(r"<title>(.*?)</title>", browsed(room / name, tmp_path), re.S).group(1)))
    titles = re.findall(r"<h2>(.*?)</h2>", unescape((site / "deck_PML.html").read_text(encoding="utf-8")))
    formula = r"= \log \int p(x, z)\, \mathrm{d}z"
    wanted = {"elbo.html": ["mean μ of q: -0.10", True, "3", True, formula, "M", "S", True],
              "deck_PML.html": titles, "search.html": ["elbo.html#row-log-evidence-2", True]}
    assert seen == wanted[name]
