"""Pictures moved by hand: the frames as one SVG, which the script of a page shows one at a time."""
import json
import re
from xml.etree import ElementTree

PLACES = ("d", "x", "y", "transform")       # of an SVG's elements: a hundredth of a point is enough
DEFS = "{http://www.w3.org/2000/svg}defs"
ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
ElementTree.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def picture(frames, name, labels):
    """One SVG of the SVGs of all frames: what they share stands once, the rest for each, the middle one shown.

    name: what is moved; labels: its value in each frame.
    """
    roots = [plain(frame) for frame in frames]
    defined = {element.get("id"): element for root in roots for element in definitions(root)}
    whole, = merged(roots)
    ElementTree.SubElement(whole, DEFS).extend(defined.values())
    whole.attrib |= {"data-slider": name, "data-labels": json.dumps(labels, ensure_ascii=False)}
    return ElementTree.tostring(whole, encoding="utf-8")


def plain(picture):
    """The root of an SVG that can stand inside a page: without a style of its own, or names that nothing refers to."""
    root, used = ElementTree.fromstring(picture), re.findall(rb"#([\w-]+)", picture)
    for part in ("{*}metadata", "{*}defs[{*}style]"):
        root.remove(root.find(part))
    root.attrib |= {"stroke-linejoin": "round", "stroke-linecap": "butt"}
    for element in root.iter():
        if element.get("id", "").encode() not in used:
            element.attrib.pop("id", None)
        for key in set(element.keys()) & set(PLACES):
            element.set(key, re.sub(r"\d+\.\d+", lambda number: f"{float(number[0]):.2f}", element.get(key)))
    return root


def definitions(root):
    """What the <defs> of an SVG hold, which are taken out of it."""
    for parent in list(root.iter()):
        for defs in parent.findall(DEFS):
            parent.remove(defs)
            yield from defs


def merged(elements):
    """One element for those of all frames where they are alike, or differ only inside; else all, all but one hidden."""
    first = elements[0]
    if common(elements):
        return [first]
    if len(first) and len({(element.tag, str(element.attrib)) for element in elements}) == 1:
        first[:] = [part for parts in zip(*matched([list(element) for element in elements])) for part in merged(parts)]
        return [first]
    for frame, element in enumerate(elements):
        element.set("data-frame", str(frame))
        if frame != len(elements) // 2:
            element.set("display", "none")
    return elements


def matched(insides):
    """The contents of all frames, of one length: where they are not, what is between their ends in a group."""
    if len(set(map(len, insides))) == 1:
        return insides
    head = ends_at(insides)
    tail = ends_at([parts[head:][::-1] for parts in insides])
    groups = [ElementTree.Element("g", {"data-frame": str(frame)}) for frame in range(len(insides))]
    for group, parts in zip(groups, insides):
        group.extend(parts[head:len(parts) - tail])
    return [[*parts[:head], group, *parts[len(parts) - tail:]] for group, parts in zip(groups, insides)]


def ends_at(insides):
    """How many elements the contents of all frames begin with alike."""
    columns = list(zip(*insides))
    return next((at for at, column in enumerate(columns) if not common(column)), len(columns))


def common(elements):
    """Whether elements read the same."""
    return len({ElementTree.tostring(element) for element in elements}) == 1


def below(still):
    """The HTML that stands with the picture in a file: its frames, if it has any, for the script to unfold."""
    frames = still.with_name(f"{still.stem}_frames.svg")
    return f'<template class="frames">{frames.read_text(encoding="utf-8")}</template>' if frames.exists() else ""
