"""Several pages side by side, one to a core, each in its own worker process, reported in the order they were given."""
import os
import queue
import threading

from refvi.verify.run import start_server, verify


def verify_pages(paths, options, workers=None):
    """Yield (path, kind, news) for what verify yields of each page and (path, "end", None) after it.

    The pages come in their order, while the next ones are already at work; workers: how many at once, by default one
    to a core.
    """
    waiting, told, stopped = queue.SimpleQueue(), {path: queue.SimpleQueue() for path in paths}, threading.Event()
    for path in paths:
        waiting.put(path)

    def work():
        while not stopped.is_set():
            try:
                path = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                for event in verify(path, options):
                    told[path].put(event)
                    if stopped.is_set():
                        return
                told[path].put(None)
            except BaseException as error:      # the main thread's to raise
                told[path].put(error)

    start_server()
    workers = min(len(paths), workers or os.cpu_count() or 1)
    threads = [threading.Thread(target=work, daemon=True) for _ in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for path in paths:
            while (event := told[path].get()) is not None:
                if isinstance(event, BaseException):
                    raise event
                yield path, *event
            yield path, "end", None
    finally:
        stopped.set()
        for thread in threads:
            thread.join(0.2)        # whoever is just starting a process
