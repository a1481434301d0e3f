"""Mixed load of the sixteen clients of the suite chaos on one daemon that is never restarted: does it leak?"""
import asyncio
import concurrent.futures
import http.client
import json
import os
import pathlib
import random
import time

from tests.check.chaos import faults as chaos_faults
from tests.check.chaos.faults import Faults, daemon_to_be_tried
from tests.check.chaos.interleavings import PATIENCE, forget, one_round
from tests.check.chaos.model import World, check_journal
from tests.check.chaos.socket_operations import MCP
from tests.support import suite

MINUTES, SETTLE = 60, 1 / 6  # the part of the time after which memory must remain constant
ROUND = 600  # operations; then ended responses are checked and forgotten
OPERATIONS_A_SECOND = 20
TOOL_CALLS = 8  # at once: more than there are threads for them
WITHOUT_RESTARTS = {"disk": 4, "file_size": 1, "clock": 5, "pause": 3}


def add_options(parser):
    parser.add_argument("--seed", type=int, help="seed of all random choices (default: a new one each time, which is printed)")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"default: {MINUTES}")
    parser.add_argument("--program", type=pathlib.Path, help="another build of scripted_daemon")


class Sample:
    def __init__(self, daemon, began):
        process = f"/proc/{daemon.process.pid}"
        self.seconds = time.monotonic() - began
        self.resident = daemon.resident_bytes()
        self.descriptors = len(os.listdir(f"{process}/fd"))
        self.threads = len(os.listdir(f"{process}/task"))


async def play(world, disk, clock_file, seconds):
    samples, began, done, rounds = [], time.monotonic(), [], 0
    world.pace = 16 / OPERATIONS_A_SECOND
    while time.monotonic() - began < seconds and not world.stopping and world.daemon.process.poll() is None:
        faults = Faults(world, disk, clock_file, ROUND, rounds)
        rounds += 1
        world.up.set()
        await one_round(world, faults, ROUND, PATIENCE, 3600)
        done += faults.done
        check_journal(world)
        forget(world)
        if world.daemon.process.poll() is None:
            samples.append(Sample(world.daemon, began))  # between two rounds: nothing is under way
            print(f"{samples[-1].seconds / 60:5.1f} min: {world.operations} operations, {samples[-1].resident >> 20} MB, {samples[-1].descriptors} descriptors, "
                  f"{samples[-1].threads} threads, {dict(world.counts) or 'no finding'}", flush=True)
    return samples, done


def fill_pools(port):
    """Threads of tools start on first use, which may be late in the hour: this starts all of them now."""
    body = json.dumps({"input": 'call wait {"ms": 500}', "tools": [MCP], "store": False}).encode()

    def call(_):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("POST", "/v1/responses", body, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()
    with concurrent.futures.ThreadPoolExecutor(TOOL_CALLS) as pool:
        list(pool.map(call, range(TOOL_CALLS)))


def growth(values):
    """The mean of the last third against the first third, in percent."""
    third = max(1, len(values) // 3)
    first, last = sum(values[:third]) / third, sum(values[-third:]) / third
    return (last / first - 1) * 100


def rows(_baton, _models_dir, quick, options):
    if quick:
        raise suite.Unavailable("this takes an hour: run it without --quick")
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    chaos_faults.FAULTS = WITHOUT_RESTARTS
    with daemon_to_be_tried(options.program) as (daemon, disk, clock_file):
        fill_pools(daemon.port)
        print(f"soak: seed {seed}, {options.minutes} minutes", flush=True)
        world = World(seed, daemon)
        samples, faults = asyncio.run(play(world, disk, clock_file, options.minutes * 60))
    later = [sample for sample in samples if sample.seconds >= options.minutes * 60 * SETTLE]
    how = ", ".join(f"{faults.count(fault)} {fault}" for fault in sorted(set(faults)))
    yield suite.row("operations", world.operations, target="stated", ok=len(later) >= 3, note=f"{options.minutes:g} minutes, seed {seed}; {how}; {sum(world.counts.values())} findings")
    yield suite.row("findings", sum(world.counts.values()), target="0", ok=not world.counts, note="those of the suite chaos")
    if len(later) < 3:
        return
    for what, values in [("resident memory", [sample.resident for sample in later]), ("descriptors", [sample.descriptors for sample in later]),
                         ("threads", [sample.threads for sample in later])]:
        bound = 5 if what == "resident memory" else 0
        more = growth(values)
        shown = f"{values[0] >> 20} to {values[-1] >> 20} MB" if what == "resident memory" else f"{min(values)} to {max(values)}"
        yield suite.row(f"growth of {what} after {options.minutes * SETTLE:.0f} minutes", round(more, 1), "%", target=f"<= {bound} %", ok=round(more, 1) <= bound, note=shown)
