"""One page as HTML: Markdown by markdown-it, and every chain a grid of rows."""
import html
import re

from markdown_it import MarkdownIt

from refvi.reading import moving
from refvi.reading.rows import grid
from refvi.reading.sources import coloured
from refvi.reading.typeset import mathml
from refvi.verify.document import read

FORMULA = re.compile(r"\$`([^`]+)`\$((?:'s)?[,.;:?!)]*)")      # as GitHub writes an inline formula; what stays by it
WIDE = 24                                   # characters of LaTeX that may be wider than a phone
BROAD = 600                                 # pixels of a picture with letters that a phone makes too small


def body_of(path, link, site):
    """(title, HTML of the page's body).

    link(target) turns a link of the Markdown into one of the site, a Site, which is also what rows ask for verdicts.
    """
    parser = parser_of()
    tokens = with_sentences(parser.parse(path.read_text(encoding="utf-8-sig")))
    relink(tokens, link)
    chains = {chain.line: chain for chain in read(path).chains} if path.with_suffix(".py").exists() else {}
    title = next(token.content for token in tokens if token.type == "inline")
    env = {"path": path, "chains": chains, "site": site, "ids": {}}
    return title, parser.renderer.render(tokens, parser.options, env)


def parser_of():
    """Markdown as GitHub reads it, as far as the pages use it."""
    parser = MarkdownIt("commonmark").enable("table")
    parser.inline.ruler.before("backticks", "formula", inline_formula)
    parser.add_render_rule("formula", lambda self, tokens, at, *_: inline(tokens[at].content, tokens[at].markup))
    parser.add_render_rule("fence", fence)
    parser.add_render_rule("heading_open", heading_open)
    parser.add_render_rule("image", image)
    return parser


def inline_formula(state, silent):
    """Reads one inline formula."""
    found = FORMULA.match(state.src, state.pos)
    if not found:
        return False
    if not silent:
        token = state.push("formula", "", 0)
        token.content, token.markup = found.groups()
    state.pos = found.end()
    return True


def inline(latex, mark=""):
    """An inline formula, which scrolls by itself where it is wider than a phone, beside the mark behind it."""
    formula = f'<span class="wide">{mathml(latex)}</span>' if len(latex) > WIDE else mathml(latex)
    return f'<span class="kept">{formula}{mark}</span>' if mark else formula


def heading_open(self, tokens, at, options, env):
    """Headings can be linked to, by GitHub's names."""
    text = re.sub(r"[^\w\- ]", "", tokens[at + 1].content.lower()).replace(" ", "-")
    return f'<{tokens[at].tag} id="{unique(text, env["ids"])}">'


def image(self, tokens, at, options, env):
    """A picture, which is loaded when it is near or the page is printed, and what moves with it."""
    name, site = tokens[at].attrGet("src"), env["site"]
    tokens[at].attrs |= site.room(name) | {"loading": "lazy"}
    return framed(self.image(tokens, at, options, env), site.room(name)) + moving.below(site.source(name))


def framed(picture, room):
    """A picture whose letters a phone would make too small scrolls by itself there."""
    return f'<span class="broad">{picture}</span>' if int(room["width"]) > BROAD else picture


def unique(name, ids):
    """An id that stands once on its page: name, name-1, name-2."""
    ids[name] = ids.get(name, -1) + 1
    return f"{name}-{ids[name]}" if ids[name] else name


def relink(tokens, link):
    """Links and pictures of the Markdown as those of the site, where no page is called name.md."""
    for token in tokens:
        for child in token.children or ():
            if child.type == "text":
                child.content = re.sub(r"^(\w+)\.md$", lambda name: name[1].replace("_", " "), child.content)
            for name in ("href", "src"):
                if child.attrGet(name):
                    child.attrSet(name, link(child.attrGet(name)))
        for sentence in token.meta.get("sentences", {}).values():
            relink(sentence, link)


def with_sentences(tokens):
    """The tokens with each item of a list beneath a chain that begins with a row's tag moved to that row."""
    kept, at = [], 0
    while at < len(tokens):
        kept.append(tokens[at])
        at += 1
        if is_chain(kept[-1]) and at < len(tokens) and tokens[at].type == "bullet_list_open":
            end = closing(tokens, at)
            left = [item for item in items(tokens[at + 1:end]) if not taken(item, kept[-1])]
            kept += [tokens[at], *(token for item in left for token in item), tokens[end]] if left else []
            at = end + 1
    return kept


def is_chain(token):
    return token.type == "fence" and r"\begin{align" in token.content


def closing(tokens, at):
    """Where what opens at a place is closed."""
    depth = 0
    for place in range(at, len(tokens)):
        depth += tokens[place].nesting
        if depth == 0:
            return place
    raise ValueError("a list that does not end")


def items(tokens):
    """The items of a list, each the list of its tokens."""
    at = 0
    while at < len(tokens):
        end = closing(tokens, at)
        yield tokens[at:end + 1]
        at = end + 1


def taken(item, chain):
    """Whether an item reads `**tag, other tag.** Sentence` with a row's tag, to which it then goes."""
    words = next((token for token in item if token.type == "inline"), None)
    bold = re.match(r"(\*\*[^*]+\*\*(,| and)?\s*)+", words.content) if words else None
    said = bold.group().replace("**", "") if bold else ""
    whole = said.strip(" .:")                       # a tag may hold an "and" of its own
    named = [whole] if has(chain, whole) else [tag.strip(" .:") for tag in re.split(r",| and ", said)]
    tags = [tag for tag in named if has(chain, tag)]
    if len(named) == len(tags) == 1:      # the row beside it says so already
        kinds = [child.type for child in words.children]
        words.children = words.children[kinds.index("strong_close") + 1:]
    if tags:
        chain.meta.setdefault("sentences", {})[tags[0]] = item[1:-1]
    return bool(tags)


def has(chain, tag):
    """Whether a chain has a row of that tag."""
    return rf"\tag{{{tag}}}" in chain.content


def fence(self, tokens, at, options, env):
    """A code fence; a math fence as a formula, or as a grid of rows."""
    token, line, parts = tokens[at], tokens[at].map[0] + 2, []
    if token.info.strip() == "python":
        return coloured(token.content).replace("<pre", "<pre tabindex=\"0\"", 1)
    if token.info.strip() != "math":
        return f"<pre tabindex=\"0\"><code>{html.escape(token.content)}</code></pre>"
    sentences = {tag: self.render(inside, options, env) for tag, inside in token.meta.get("sentences", {}).items()}
    for piece in re.split(r"(\\begin\{align\*?\}.*?\\end\{align\*?\})", token.content, flags=re.S):
        if line in env["chains"] and piece.startswith(r"\begin{align"):
            parts.append(grid(env["chains"][line], piece, sentences, env))
        elif piece.strip():
            formula = mathml(piece, True)
            parts.append(f'<div class="formula" tabindex="0" role="group" aria-label="formula">{formula}</div>')
        line += piece.count("\n")
    return "".join(parts)
