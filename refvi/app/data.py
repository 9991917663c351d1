"""refvi data: which data are at hand, and where; fetch MNIST, checked to the last byte."""
from refvi.data import mnist, polarity, uci
from refvi.data.fetch import fetch_mnist
from refvi.data.store import cache, folder, named


def run(options):
    print(f"{named()}\nthe cache is {cache()}")
    home = folder() or "REFVI_DATA"
    for name in uci.SETS:
        print(f"{name:<15}{'at hand' if uci.at_hand(name) else f'not at hand: belongs in {home}/uci/{name}'}")
    print(f"{'polarity':<15}{'at hand' if polarity.at_hand() else f'not at hand: belongs in {home}/polarity'}")
    print(f"{'mnist':<15}{'at hand' if mnist.at_hand() else 'not at hand: refvi data fetch mnist'}")
    return 0


def fetch(options):
    for line in fetch_mnist(options.out, [url.rstrip("/") + "/" for url in options.mirror or mnist.MIRRORS]):
        print(line, flush=True)
    return 0
