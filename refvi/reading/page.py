"""One page as HTML: Markdown by markdown-it, and every chain a grid of rows."""
import html
import posixpath
import re
from copy import copy

from markdown_it import MarkdownIt

from refvi.reading.chains import pieces
from refvi.reading.sources import source_of
from refvi.reading.typeset import mathml
from refvi.reading.verdicts import Verdict
from refvi.verify.document import read

UNKNOWN = Verdict("none", "not played: this page was made without a report", "", 0)


def body_of(path, report, link):
    """(title, HTML of the page's body); link(target) turns a link of the Markdown into one of the site."""
    text = path.read_text(encoding="utf-8-sig")
    chains = {chain.line: chain.name for chain in read(path).chains}
    parser = MarkdownIt("commonmark").enable("table")
    parser.inline.ruler.before("backticks", "formula", inline_formula)
    parser.add_render_rule("formula", lambda self, tokens, at, options, env: mathml(tokens[at].content))
    parser.add_render_rule("fence", lambda *rest: fence(*rest, path=path, chains=chains, report=report))
    parser.add_render_rule("heading_open", heading_open)
    tokens = parser.parse(text)
    relink(tokens, link)
    with_sentences(tokens)
    title = next(token.content for token in tokens if token.type == "inline")
    return title, parser.renderer.render(tokens, parser.options, {})


def inline_formula(state, silent):
    """GitHub's inline formulas, $`...`$."""
    found = re.compile(r"\$`([^`]+)`\$").match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        state.push("formula", "", 0).content = found.group(1)
    state.pos = found.end()
    return True


def heading_open(self, tokens, at, options, env):
    """Headings can be linked to, by GitHub's names."""
    return f'<{tokens[at].tag} id="{slug(tokens[at + 1].content)}">'


def slug(text):
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def relink(tokens, link):
    """Links and pictures of the Markdown as those of the site."""
    for token in tokens:
        for child in token.children or ():
            for name in ("href", "src"):
                if child.attrGet(name):
                    child.attrSet(name, link(child.attrGet(name)))
            if child.type == "image":
                child.attrSet("loading", "lazy")


def with_sentences(tokens):
    """Move each item of a list beneath a chain that begins with a row's tag to that row; what is left stays a list."""
    for at, token in enumerate(tokens):
        if token.type == "fence" and token.info.strip() == "math" and r"\begin{align" in token.content:
            token.meta["sentences"] = taken(tokens, at + 1)


def taken(tokens, at):
    """{tag: Markdown tokens} of the list that begins at this place, whose items are taken out."""
    found = {}
    if at >= len(tokens) or tokens[at].type != "bullet_list_open":
        return found
    depth, start = 0, None
    for place in range(at, len(tokens)):
        kind = tokens[place].type
        if kind == "list_item_open" and depth == 1:
            start = place
        depth += tokens[place].nesting
        if kind == "list_item_close" and depth == 1:
            tags, inside = tags_of(tokens[start + 1:place])
            if tags:
                found[tags[0]] = [copy(token) for token in inside]
                for gone in range(start, place + 1):
                    tokens[gone].hidden, tokens[gone].type, tokens[gone].children = True, "gone", []
        if depth == 0:
            break
    return found


def tags_of(tokens):
    """(tags, tokens) of a list item that reads `**tag, other tag.** Sentence`; ([], tokens) for any other."""
    inline = next((token for token in tokens if token.type == "inline"), None)
    if inline is None or len(inline.children) < 3 or inline.children[0].content or inline.children[1].type != "strong_open":
        return [], tokens
    words = inline.children[2].content
    tags = [word.strip(" .:") for word in re.split(r",| and ", words)]
    return tags, tokens


def fence(self, tokens, at, options, env, path, chains, report):
    """A code fence; a math fence as a formula, or as a grid of rows."""
    token = tokens[at]
    if token.info.strip() != "math":
        return f"<pre><code>{html.escape(token.content)}</code></pre>"
    if r"\begin{align" not in token.content:
        return f'<div class="formula">{mathml(token.content, True)}</div>'
    line = token.map[0] + 2
    rows = list(pieces(token.content, line))
    name = min(((abs(start - line), name) for start, name in chains.items()))[1]
    return grid(self, rows, name, path, report, token.meta.get("sentences", {}), options, env)


def grid(renderer, rows, chain, path, report, sentences, options, env):
    """The rows of a chain, each a formula with tag, verdict, sentence and source."""
    parts = []
    for row in rows:
        verdict = report.rows.get((path.stem, chain, row.tag), UNKNOWN if not report.date else UNKNOWN._replace(told="not played"))
        inside = renderer.render(sentences[row.tag], options, env) if sentences.get(row.tag) else ""
        parts.append(one_row(row, verdict, inside, source_of(path, row.tag)))
    return f'<div class="chain" role="list" aria-label="{html.escape(chain)}">{"".join(parts)}</div>'


def one_row(row, verdict, sentence, source):
    """One row of a grid."""
    slip = " slip" if row.relation in (r"\ne", r"\neq") else ""
    code = (f'<details class="code"><summary>{html.escape(source.place)}</summary>{source.html}</details>' if source
            else '<p class="code">supplied by the stage</p>')
    more = html.escape("; ".join(filter(None, [verdict.told, verdict.pinned])))
    kind = verdict.verdict.lower()
    return (f'<div class="row{slip}" role="listitem" id="{html.escape(row.tag.replace(" ", "-"))}">'
            f'<div class="tex">{mathml(row.latex, True)}</div><span class="tag">{html.escape(row.tag)}</span>'
            f'<details class="verdict {kind}"><summary><span aria-hidden="true">{verdict.sign}</span> '
            f'{word_of(verdict, slip)}</summary><p>{more}</p></details>{code}'
            + (f'<div class="sentence">{sentence}</div>' if sentence else "") + "</div>")


def word_of(verdict, slip):
    """The verdict in a word."""
    if verdict.verdict == "PASS":
        return "differs" if slip else "holds"
    return {"given": "given", "FAIL": "refused", "none": "not played"}.get(verdict.verdict, "undecided")


def site_link(here, known):
    """link(target): from a page's relative target to the site's file, or to the repository's file copied beside it."""
    def link(target):
        if re.match(r"[a-z]+:|#", target):
            return target
        target, mark, anchor = target.partition("#")
        full = posixpath.normpath(posixpath.join(posixpath.dirname(here), target))
        return known.get(full, full) + mark + anchor
    return link
