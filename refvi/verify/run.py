"""Verify pages: a worker process for each, which can be killed, so that a row that hangs or crashes fails alone."""
import gc
import multiprocessing
import os
import signal
import threading
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from refvi.verify.companion import load, set_stage, wire
from refvi.verify.compare import Result
from refvi.verify.document import Fault, read
from refvi.verify.mutants import plant
from refvi.verify.play import judge, rehearse, stream_of
from refvi.verify.tracing import code_of
from refvi.verify.trial import FAIL

TIMEOUT = 60.               # seconds a row may take


class Options(NamedTuple):
    entropy: int
    stages: int = 1             # how often each stage is set
    stage: str | None = None    # play only the stage of this label
    timeout: float = TIMEOUT
    plot: Any = None            # folder for pictures of random rows
    mutants: bool = False       # plant a mistake in every row, and see it refused


class Unit(NamedTuple):
    """One chain on one setting of one stage."""
    chain: int
    stage: str
    setting: int

    @property
    def label(self):
        return self.stage if self.setting == 0 else f"{self.stage}-{self.setting}"


def workers():
    """How worker processes are started: forked from a server that has imported what nearly every companion needs, where there is one."""
    context = multiprocessing.get_context("forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload(["refvi.verify.run", "autograd", "scipy.stats", "scipy.optimize"])
    return context


def start_server():
    """Start the workers' server now, deaf to Ctrl-C from its first import on; from the main thread only."""
    if workers().get_start_method() == "forkserver":
        from multiprocessing import forkserver      # not on every system
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        forkserver.ensure_running()
        signal.signal(signal.SIGINT, before)


def verify(path, options):
    """Yield ("plan", units) once, then ("results", [Result, ...]) unit by unit, whatever the rows do."""
    context = workers()
    path, begun, hung, planned = Path(path).resolve(), 0, {}, None
    while True:
        mine, theirs = context.Pipe()
        worker = context.Process(target=work, args=(theirs, path, options, begun, hung), daemon=True)
        worker.start()
        theirs.close()
        at, reason = ("the companion", "", 1), None
        try:
            while True:
                if not mine.poll(options.timeout):
                    reason = Fault(f"did not return within {options.timeout:g} s", "make it faster, or give it longer with --timeout")
                    break
                kind, *message = mine.recv()
                if kind == "end":
                    return
                if kind == "row":
                    at = message[0]
                elif kind == "plan" and planned is None:
                    planned = message[0]
                    yield "plan", planned
                elif kind == "results":
                    begun = message[0] + 1
                    yield "results", message[1]
        except EOFError:
            worker.join()
            reason = Fault(f"ended its process (exit code {worker.exitcode})", "a row must return, not exit or crash the interpreter")
        finally:
            worker.kill()
            worker.join()
            mine.close()
        tag, chain, line = at
        if planned is None or tag in hung.get(begun, {}) or tag.startswith("stage "):      # nothing left to leave out
            yield "results", [Result(chain or "the page", "", tag, "", line, "not compared", verdict=FAIL, message=str(reason))]
            if planned is None:
                return
            begun += 1
        else:
            hung.setdefault(begun, {})[tag] = reason


def end_with_parent():
    """A worker whose parent is gone ends, whatever its row is doing."""
    multiprocessing.parent_process().join()
    os._exit(1)


def work(connection, *task):
    """The worker process: perform the task for as long as somebody listens."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)        # Ctrl-C is the parent's to answer
    threading.Thread(target=end_with_parent, daemon=True).start()
    gc.freeze()         # the companion's own memories are looked for once a chain: not among the libraries' half million objects
    try:
        play_page(connection, *task)
    except BrokenPipeError:
        pass


def play_page(connection, path, options, begun, hung):
    """Read the page, set the stages, play what is left of the plan, and report each row before it runs."""
    try:
        document = read(path)
        broken = [Result("the page", "", "", "", fault.line or 1, "read", verdict=FAIL, message=str(fault)) for fault in document.faults]
        companion = load(path)
    except (Fault, OSError, UnicodeDecodeError) as error:
        connection.send(("plan", []))
        connection.send(("results", -1, [Result("the page", "", "", "", 1, "read", verdict=FAIL, message=str(error))]))
        connection.send(("end",))
        return

    def values_of(stage, setting):
        label = Unit(0, stage, setting).label
        connection.send(("row", (f"stage {label}", "", 1)))
        return set_stage(label, companion.stages[stage], stream_of(options.entropy, path.name, "stage", label), codes)

    codes = {code_of(companion.names.get(row.function)) for chain in document.chains for row in chain.rows} - {None}
    broken += [Result("the page", "", "", "", 1, "read", verdict=FAIL, message=f"{companion.path.name} runs the row {code.co_name} as it is loaded: let rows "
                      "compute what they claim, and put what tries them below if __name__ == '__main__'") for code in codes & companion.ran]
    first = {}
    for stage in companion.stages:
        try:
            first[stage] = values_of(stage, 0)
        except Fault as fault:
            broken.append(Result("the page", stage, "", "", 1, "read", verdict=FAIL, message=str(fault)))
    wired, units = [], []
    for index, chain in enumerate(document.chains):
        chain, functions, lacking = wire(chain, companion.names, first)
        wired.append((chain, functions))
        playable = [stage for stage in first if not lacking[stage]]
        if first and not playable:
            lacks = "; ".join(f"{stage} lacks {', '.join(symbols)}" for stage, symbols in lacking.items())
            broken.append(Result(chain.name, "", "the chain", "", chain.line, "read", verdict=FAIL,
                                 message=f"no stage supplies all its symbols ({lacks}): let one stage return them together"))
        units += [unit for stage in playable for unit in settings(index, stage, options)]
    for stage in first:
        if units and not any(unit.stage == stage for unit in units) and options.stage is None:
            broken.append(Result("the page", stage, "", "", 1, "read", verdict=FAIL, message=f"stage {stage} plays no chain: see that it supplies "
                                 "all symbols of one, by the names of its rows' arguments"))
    connection.send(("plan", units))
    if begun == 0 and not hung:
        connection.send(("results", -1, broken))
    for number in range(begun, len(units)):
        unit = units[number]
        chain, functions = wired[unit.chain]
        try:
            values = first[unit.stage] if unit.setting == 0 else values_of(unit.stage, unit.setting)
        except Fault as fault:
            connection.send(("results", number, [Result(chain.name, unit.label, "", "", 1, "read", verdict=FAIL, message=str(fault))]))
            continue
        own = {tag: values.get(tag.replace(" ", "_"), function) for tag, function in functions[unit.stage].items()}
        lines = {row.tag: row.line for row in chain.rows}
        streams = partial(stream_of, options.entropy, path.name, chain.name, unit.label)

        def announce(tag):
            connection.send(("row", (tag, chain.name, lines[tag])))

        cast = rehearse(chain, unit.label, values, own, streams, announce, hung.get(number, {}))
        results = judge(cast, streams, announce, plot=options.plot and painter(options.plot, path, chain, unit))
        if options.mutants:
            results += plant(cast, streams, results, announce)
        connection.send(("results", number, results))
    connection.send(("end",))


def settings(index, stage, options):
    """The units of one chain on one stage that the options ask for."""
    for setting in range(options.stages):
        unit = Unit(index, stage, setting)
        if options.stage in (None, unit.label):
            yield unit
    if options.stage:
        name, _, number = options.stage.rpartition("-")
        if name == stage and number.isdigit() and int(number) >= options.stages:
            yield Unit(index, stage, int(number))


def painter(folder, path, chain, unit):
    """What draws the running mean of a random row; matplotlib is imported only when it is asked for."""
    from refvi.verify.plot import running_mean

    def paint(tag, draws, target):
        name = "-".join([path.stem, chain.name, tag, unit.label]).lower()
        running_mean(Path(folder) / ("".join(c if c.isalnum() else "_" for c in name) + ".svg"), f"{tag}, stage {unit.label}", draws, target)
    return paint
