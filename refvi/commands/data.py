"""refvi data: which data are at hand, and where; fetch MNIST, checked to the last byte."""
from refvi.data import cache, folder, mnist, uci
from refvi.data.fetch import fetch_mnist


def run(options):
    print(f"REFVI_DATA  {folder() or 'not set, or no folder'}\ncache       {cache()}")
    for name in uci.SETS:
        print(f"{name:<15}{'at hand' if folder() and (folder() / 'uci' / name / 'data.txt').exists() else 'not at hand: belongs in REFVI_DATA/uci'}")
    print(f"{'mnist':<15}{'at hand' if mnist.at_hand() else 'not at hand: refvi data fetch mnist'}")
    return 0


def fetch(options):
    for line in fetch_mnist(options.out, [url.rstrip("/") + "/" for url in options.mirror or mnist.MIRRORS]):
        print(line, flush=True)
    return 0
