"""refvi data: which data are at hand, where they come from, under which terms; fetch them, checked to the last byte."""
from refvi.data import fetch as downloads, mnist, uci
from refvi.data.sources import SOURCES
from refvi.data.store import cache, folder, named, places


def run(options):
    print(f"{named()}\nthe cache is {cache()}")
    for name, source in SOURCES.items():
        home = f"{folder() or 'REFVI_DATA'}/{source.folder}"
        state = "at hand" if at_hand(name) else f"not at hand: refvi data fetch {name}, or put it in {home}"
        print(f"{name:<15}{state}")
        print(f"{'':<15}from  {source.origin}\n{'':<15}terms {source.terms}")
    return 0


def at_hand(name):
    """Whether a set lies in REFVI_DATA or the cache."""
    if name == "mnist":
        return mnist.at_hand()
    if name in uci.SETS:
        return uci.at_hand(name)
    wanted = downloads.checks_of(name)
    return any(all((place / file).is_file() for file in wanted) for place in places(SOURCES[name].folder))


def fetch(options):
    several = options.set == "uci"
    for name in uci.SETS if several else [options.set]:
        inside = f"/{name}" if several else ""
        place = options.out and options.out + inside
        for line in downloads.fetch(name, place, [url.rstrip("/") + inside for url in options.mirror or ()]):
            print(line, flush=True)
    return 0
