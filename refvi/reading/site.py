"""Where everything stands in the site: pages, rows, and the files that pages lead to."""
import html
import posixpath
import re

from refvi import CHAPTERS, PARTS
from refvi.base import files
from refvi.reading.verdicts import Ground, read_report
from refvi.verify.document import read

PICTURES = (".svg", ".png", ".gif")


class Site:
    """Addresses and verdicts, for all pages."""

    def __init__(self, report=None):
        self.home = files.checkout()
        self.pages = {f"derivations/{CHAPTERS[name]}/{name}.md": f"{name}.html" for name in CHAPTERS}
        self.pages |= {f"derivations/{name}.md": f"{name}.html" for name in ("notation", "errata")}
        self.copied = {}            # files of the repository that some page leads to -> their names in the site
        patterns = "derivations/**/*.md", "derivations/**/*.py", "refvi/*/**/*.py"
        self.report = read_report(report, [path for pattern in patterns for path in self.home.glob(pattern)])
        self.ground = Ground(self.report)
        self.ids = dict(row_ids())

    def link(self, here):
        """link(target): a relative target on the page at a path of the repository, as one of the site."""
        def follow(target):
            if re.match(r"[a-z]+:|#", target):
                return target
            target, mark, anchor = target.partition("#")
            return self.file(posixpath.normpath(posixpath.join(posixpath.dirname(here), target))) + mark + anchor
        return follow

    def file(self, path):
        """The site's name of a page, a file or a folder of the repository, which is then copied."""
        if path in self.pages:
            return self.pages[path]
        if (self.home / path).is_dir():
            names = [name for name in ("rows.py", "__init__.py") if (self.home / path / name).is_file()]
            path = f"{path}/{names[0]}"
        return self.copied.setdefault(path, path.replace("/", "-") + ("" if path.endswith(PICTURES) else ".html"))

    def source(self, name):
        """The path of a file of which the site has a copy."""
        return self.home / next(path for path, copied in self.copied.items() if copied == name)

    def row(self, key):
        """The address of a row."""
        return f"{key[0]}.html#{self.ids[key]}"

    def code(self, place, shown):
        """A link to a function."""
        return f'<a href="{self.file(place.path)}#L-{place.line}"><code>{html.escape(shown)}</code></a>'

    def room(self, name):
        """The room that a picture takes on a page, as attributes: what stands below does not move when it comes."""
        width, height = size_of(self.source(name))
        return {"width": str(width), "height": str(height)}

    def picture(self, name):
        """The site's name of a figure's committed picture, not of one that the reader has drawn."""
        found = [path for part in PARTS for path in sorted(self.home.glob(f"figures/{part}/{name}.*"))
                 if path.suffix in PICTURES]
        return self.file(found[0].relative_to(self.home).as_posix())


def size_of(path):
    """Width and height of a picture, in pixels of a page."""
    with open(path, "rb") as file:
        head = file.read(2000)
    if path.suffix == ".svg":
        points = re.search(rb'viewBox="0 0 ([\d.]+) ([\d.]+)"', head).groups()
        return [round(float(side) * 4 / 3) for side in points]
    if path.suffix == ".png":
        return [int.from_bytes(head[at:at + 4], "big") for at in (16, 20)]
    return [int.from_bytes(head[at:at + 2], "little") for at in (6, 8)]


def row_ids():
    """((chapter, chain, tag), id on its page) of every row; a tag that stands twice on a page is counted."""
    for chapter in CHAPTERS:
        seen = {}
        for chain in read(files.page(chapter)).chains:
            for row in chain.rows:
                seen[row.tag] = seen.get(row.tag, 0) + 1
                name = "row-" + row.tag.replace(" ", "-")
                yield (chapter, chain.name, row.tag), f"{name}-{seen[row.tag]}" if seen[row.tag] > 1 else name
