"""What a page claims is read as written, and what cannot be checked is named with its line and its remedy."""
import pytest

from refvi.verify.document import read


def page(tmp_path, text):
    path = tmp_path / "page.md"
    path.write_text(text, encoding="utf-8")
    return read(path)


def rows(tmp_path, *lines, environment="align"):
    body = "\n".join(["```math", rf"\begin{{{environment}}}", *lines, rf"\end{{{environment}}}", "```"])
    document = page(tmp_path, f"# A page\n\n## A chain\n{body}\n")
    assert document.faults == ()
    return document.chains[0].rows


def test_a_chain_has_the_name_of_its_heading_and_rows_have_their_lines(tmp_path):
    document = page(
        tmp_path,
        "# Page\n\n## First things\n\n```math\n\\begin{align}\n"
        "& a \\tag{left} \\\\\n&= b \\tag{right side}\n\\end{align}\n```\n",
    )
    (chain,) = document.chains
    assert chain.name == "First things"
    assert [(r.tag, r.function, r.relation, r.line, r.fault) for r in chain.rows] == [
        ("left", "left", "", 7, None),
        ("right side", "right_side", "=", 8, None),
    ]


def test_two_chains_below_one_heading_have_two_names(tmp_path):
    align = "\\begin{align}\n& a \\tag{a row} \\\\\n&= b \\tag{b row}\n\\end{align}\n"
    document = page(tmp_path, f"## Twice\n```math\n{align}{align}```\n")
    assert [(c.name, c.rows[0].line) for c in document.chains] == [("Twice", 4), ("Twice (2)", 8)]


@pytest.mark.parametrize(
    "written, meant",
    [("=", "="), (r"\approx", r"\approx"), (r"\le", r"\le"), (r"\leq", r"\le"), (r"\geqslant", r"\ge"),
     (r"\neq", r"\ne")],
)
def test_every_spelling_of_a_relation(tmp_path, written, meant):
    assert rows(tmp_path, r"& a \tag{first} \\", rf"&{written} b \tag{{second}}")[1].relation == meant


@pytest.mark.parametrize(
    "inner",
    [r"\sum_{s=1}^S a_s", "[x=i]", "p(x=1)", r"\left( a = b \right)",
     r"\begin{cases} a & x = 1 \\ b & x \ne 1 \end{cases}", r"\{z = 1\}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}",
     r"a % = b", r"\left. f \right|_{x=0}", r"\int_{[0, 1)} z", r"\text{if } \mathrm{a}", r"\lim_{h \rightarrow 0} h",
     r"\frac{a=b}{c=d}", r"\hspace{1em} a",
     r"\sum_{\substack{i=1 \\ j=2}} a", r"\underbrace{b}_{= c}", r"\mathbb{E}_{q}^{a=b}{}"],
)
def test_relations_inside_something_are_no_relations(tmp_path, inner):
    first, second = rows(tmp_path, rf"& {inner}", r"\tag{first} \\", r"&= b \tag{second}")
    assert (first.fault, second.fault, second.relation) == (None, None, "=")


@pytest.mark.parametrize(
    "lines, at, message, remedy",
    [([r"& a \tag{first} \\", r"&= b"], 1, "without a tag", r"one \tag"),
     ([r"& a \tag{first} \\", r"&= b \tag{one} \tag{two}"], 1, "two tags", r"one \tag"),
     ([r"& a \tag{first} \\", r"&= b = c \tag{second}"], 1, "2 relations (= =)", "its own row"),
     ([r"& a \tag{first} \\", r"& b \tag{second}"], 1, "without a relation", "begin it with one of"),
     ([r"& a \tag{first} \\", r"& \overset{!}{=} b \tag{second}"], 1, "no relation the checker knows", r"\approx"),
     ([r"& a \tag{first} \\", r"& b = c \tag{second}"], 1, "does not lead", "begin the row"),
     ([r"& a = b \tag{first} \\", r"&= c \tag{second}"], 0, "first row has a relation", "row of its own"),
     ([r"& a \tag{first} \\", r"&< b \tag{second}"], 1, "< is no relation", r"use =, \approx"),
     ([r"& a \tag{first} \\", r"&= b \tag{Second Row}"], 1, "{Second Row} is not a name", "lower-case"),
     ([r"& a \tag{first} \\", r"&= b \tag{lambda}"], 1, "word of Python", "add a word"),
     ([r"& a \tag{first} \\", r"&= b \tag{first}"], 1, "stands twice", "a name and a function of its own"),
     ([r"& a \tag{first} \\", r"&= (b \tag{second}"], 1, "brackets", "close"),
     ([r"& a \tag{first} \\", r"&= b) \tag{second}"], 1, "brackets", "close"),
     ([r"& a \tag{first} \\", r"&= \begin{split} & b \\ &= c \end{split} \tag{second}"], 1, "2 relations (= =)",
      "its own row"), ([r"& a \tag{first} \\", r"&= b {=} c \tag{second}"], 1, "2 relations (= =)", "its own row"),
     ([r"& a \tag{first} \\", r"&= b \mathrel{=} c \tag{second}"], 1, "no relation the checker knows", "use ="),
     *(([r"& a \tag{first} \\", rf"&= b {claim} \tag{{second}}"], 1, "2 relations", "its own row")
       for claim in (r"\color{red}{=} c", r"\textcolor{red}{= c}", r"\mathop{=} c", r"\underbrace{=}_{z} c",
                     r"\text{ = c}", r"\mbox{= c}", r"\smash{= c}", r"\operatorname{=} c", r"\left. = c \right.",
                     r"\begin{matrix} = & c \end{matrix}", r"+ \boxed{b = c}", r"\boldsymbol{=} c",
                     r"\mathsf{=} c", r"\textsf{ = c}", r"\raisebox{0pt}{=} c", r"\substack{+ 1 \\ = c}", r"\rlap{=} c",
                     r"\mathord{=} c", r"\underline{= c}", r"(a) = c", r"f((a), \{b\}, [0, 1]) = c")),
     *(([r"& a \tag{first} \\", rf"&= b {claim} c \tag{{second}}"], 1, f"{claim} is no relation", "use =")
       for claim in (r"\iff", r"\implies", r"\Rightarrow", r"\nleq", r"\preceq", r"\symbol", "⇒", "꞊", "﹦", "≐", "≜")),
     *(([r"& a \tag{first} \\", r"&\ne c \tag{slip} \\", r"&= d \tag{of slip} \\", r"&\approx e \tag{drawn} \\",
         rf"&{claim} b \tag{{second}}"], 4, f"{claim} below a slip", "a chain of its own")
       for claim in (r"\ne", r"\le", r"\ge")),
     ([r"& a \tag{first} \\", r"&≤ b \tag{second}"], 1, "≤ is no relation", "use =")],
)
def test_a_row_that_cannot_be_checked_says_why(tmp_path, lines, at, message, remedy):
    found = rows(tmp_path, *lines)
    assert message in found[at].fault.message and remedy in found[at].fault.remedy
    assert found[at].line == 6 + at
    assert all(row.fault is None for i, row in enumerate(found) if i != at)


def test_a_row_without_a_name_is_named_by_its_line(tmp_path):
    assert [row.tag for row in rows(tmp_path, r"& a \tag{first} \\", "&= b")] == ["first", "row of line 7"]


def test_displayed_blocks_may_define_but_not_claim(tmp_path):
    chain = "```math\n\\begin{align}\n& a \\tag{a row} \\\\ &= b \\tag{b row}\n\\end{align}\n```\n"
    for block in ("```math\nw(z) := \\frac{p}{q}\n```\n", "```math\n\\theta \\leftarrow \\theta + g\n```\n",
                  "write `$$` or ``\\begin{align}`` in code\n"):
        assert page(tmp_path, chain + block).faults == (), block
    for block, line in (("```math\na = b\n```\n", 7), ("text\n\n$$ a = b $$\n", 8), ("\\begin{align}\n", 6),
                        ("```math\na \\tag{lost}\n```\n", 7),
                        ("```math\n\\begin{gather} 1 = 2 \\end{gather}\n```\n", 7),
                        ("```math\n\\theta \\leftarrow \\theta + g, \\quad 1 = 2\n```\n", 7),
                        ("```math\n{ 1 = 2 }\n```\n", 7), ("```math\na ≥ b\n```\n", 7), ("- ```math\n", 6),
                        ("> ```math\n> 1 = 2\n> ```\n", 6)):
        faults = page(tmp_path, chain + block).faults
        assert faults and faults[0].line == line and faults[0].remedy, block


@pytest.mark.parametrize(
    "between", ["```pip``` is a tool\n", "```python\n1 = 2\n````\n", "~~~\n```\n~~~\n", "````\n```\n````\n"]
)
def test_no_chain_is_lost_behind_a_fence(tmp_path, between):
    chain = "```math\n\\begin{align}\n& a \\tag{a row} \\\\ &= b \\tag{b row}\n\\end{align}\n```\n"
    document = page(tmp_path, chain + between + chain.replace("```math", "```Math"))
    assert len(document.chains) == 2 and document.faults == ()


def test_a_commented_row_is_no_row(tmp_path):
    first, second = rows(tmp_path, r"& a \tag{first} \\", r"% &= c \tag{old} \\",
                         r"&= \lim_{h \rightarrow 0} b \% \tag{second} % &= \tag{no}")
    assert (first.fault, second.fault) == (None, None)


def test_a_chain_of_one_row_has_nothing_to_compare(tmp_path):
    fault, = page(tmp_path, "```math\n\\begin{align}\n& a \\tag{alone}\n\\end{align}\n```\n").faults
    assert "a chain of 1 rows" in fault.message


def test_other_code_fences_are_not_read(tmp_path):
    document = page(tmp_path, "````\n```math\n\\begin{align}\n& a = b\n\\end{align}\n```\n````\n```python\n$$\n```\n")
    assert document.chains == () and "no chain" in document.faults[0].message


CHAIN = "```math\n\\begin{align}\n& a \\tag{left} \\\\\n&= b \\tag{right}\n\\end{align}\n```\n"


def test_a_page_with_a_byte_order_mark_is_read_as_any_other(tmp_path):
    for number, content in enumerate((CHAIN, CHAIN.replace("\n", "\r\n"), "# A heading\n\n" + CHAIN)):
        plain, marked = tmp_path / f"plain{number}.md", tmp_path / f"marked{number}.md"
        plain.write_bytes(content.encode())
        marked.write_bytes(b"\xef\xbb\xbf" + content.encode())
        found = [read(path) for path in (plain, marked)]
        assert [len(page.chains) for page in found] == [1, 1] and not found[1].faults, number


@pytest.mark.parametrize("content, told", [(CHAIN.encode("utf-16"), "looks like UTF-16.: save it as UTF-8"),
                                           (("Text\nSch\xe4tzer\n" + CHAIN).encode("cp1252"), ":2: byte 0xe4 is not")])
def test_another_encoding_is_named_with_its_remedy(content, told, tmp_path):
    (tmp_path / "page.md").write_bytes(content)
    with pytest.raises(ValueError, match=told):
        read(tmp_path / "page.md")
