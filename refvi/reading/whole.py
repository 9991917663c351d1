"""All chapters on one page, to print or to keep as one PDF."""
import re

FOLDED = r'<details class="code">.*?</details>|<template.*?</template>'
VERDICT = r'<details class="verdict"><summary>(.*?)</summary>.*?</details>'


def whole(bodies):
    """The HTML of {chapter: HTML of its body} as one body, without what is folded away."""
    return "".join(f'<article id="{name}">{bound(name, body, bodies)}</article>' for name, body in bodies.items())


def bound(name, body, bodies):
    """One chapter's body, its names behind its own, its links to chapters on the same page."""
    def renamed(found):
        kind, target = found.groups()
        page, _, anchor = target.partition("#")
        chapter = name if kind == "id" or not page else page.removesuffix(".html")
        if kind == "id":
            return f' id="{name}-{target}"'
        return f' href="#{chapter}{"-" * bool(anchor)}{anchor}"' if chapter in bodies else found.group()
    body = re.sub(VERDICT, r'<span class="verdict">\1</span>', re.sub(FOLDED, "", body, flags=re.S), flags=re.S)
    return re.sub(r' (id|href)="([^"]*)"', renamed, body)
