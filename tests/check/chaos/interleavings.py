"""Sixteen clients use all of the protocol at random, while the daemon is killed, restarted, out of disk and its clock is set."""
import asyncio
import pathlib
import random
import time

from tests.check.chaos.faults import Faults, daemon_to_be_tried
from tests.check.chaos.model import KINDS, World, check_journal, open_runs
from tests.check.chaos.operations import Client
from tests.support import suite
from tests.support.wire import Closed, Http

CLIENTS = 16
QUICK_OPERATIONS, OPERATIONS, ROUND = 2000, 100_000, 2000
QUICK_SECONDS = 24  # of operations; then come the checks
PATIENCE, QUICK_PATIENCE = 30, 8  # seconds in which each request is answered, and everything that is under way at the end has ended
QUICK_CHECKS = 40  # seconds after which --quick stops checking


def add_options(parser):
    parser.add_argument("--seed", type=int, help="seed of all random choices (default: a new one each time, which is printed)")
    parser.add_argument("--operations", type=int, help=f"default: {OPERATIONS}, with --quick {QUICK_OPERATIONS}")
    parser.add_argument("--program", type=pathlib.Path, help="another build of scripted_daemon, such as build/tsan/tests/scripted_daemon")


async def one_round(world, faults, n, patience, seconds):
    """n operations of all clients, and the faults meanwhile. Ends when everything that was under way has ended."""
    clients = [Client(world, f"{faults.round}.{index}", patience) for index in range(CLIENTS)]
    first = world.operations
    tasks = [asyncio.create_task(client.work(first + n)) for client in clients]
    beside = [asyncio.create_task(faults.work(first)), asyncio.create_task(faults.watch())]
    end = time.monotonic() + seconds
    while not all(task.done() for task in tasks) and not beside[1].done():
        await asyncio.sleep(0.02)
        if time.monotonic() > end or world.counts["hang"] > 40:
            world.stopping = True
        for task in tasks + beside:
            if task.done() and task.exception():
                raise task.exception()  # the check itself is broken
    await asyncio.wait(tasks, timeout=patience + 1)
    finished = world.stopping
    faults.volume.free()
    await beside[0] if beside[0].done() or not world.stopping else asyncio.wait([beside[0]], timeout=20)
    await settle(world, patience)
    world.stopping = True
    await asyncio.wait(beside, timeout=20)
    world.stopping = finished


async def settle(world, patience):
    """Waits for the end of everything that is under way."""
    end = time.monotonic() + patience
    while time.monotonic() < end and open_runs(world):
        await asyncio.sleep(0.1)
    for id_, status, reason, durable, attempts in open_runs(world):
        world.blame("end", f"{id_} is {status} {patience} s after the last operation (reason '{reason}', durable {durable}, attempts {attempts})", world.runs.get(id_))


async def read_again(world, present, patience, end):
    """Checks each stored response of this round by the API: its end, and its events in the journal."""
    http = Http(world.daemon.port)
    for run in list(world.runs.values()):
        if run.id not in present or not run.events or time.monotonic() > end:
            continue
        try:
            async with asyncio.timeout(patience):
                answer = await http.request("GET", f"/v1/responses/{run.id}")
                if answer.status != 200:
                    if run.stored and not run.may_be_gone():
                        world.blame("lost", f"is in the journal, and asking for it gives {answer.status} {answer.body[:200]!r}", run)
                    continue
                if answer.json()["status"] in ("queued", "in_progress"):
                    world.blame("end", f"still {answer.json()['status']} though nothing runs", run)
                    continue
                world.told_status(run, answer.json(), run.status)
                await http.send("GET", f"/v1/responses/{run.id}?stream=true")
                _, headers = await http.head()
                events = [event async for event in http.events(headers)]
        except TimeoutError:
            http.close()
            world.blame("hang", f"GET /v1/responses/{run.id} at the end", run)
            continue
        except Closed as closed:
            http.close()
            world.blame("hang", f"GET /v1/responses/{run.id} at the end: {closed}", run)
            continue
        if events != run.events:
            differs = next((i for i, (a, b) in enumerate(zip(events, run.events)) if a != b), min(len(events), len(run.events)))
            world.blame("gap", f"the stream has {len(events)} events and the journal {len(run.events)}; they differ from event {differs} on", run)
    http.close()


def forget(world):
    """Items that were checked and ended are not checked again: the next round is checked as quickly. Unstored ones are kept for the last
    check."""
    for id_ in [id_ for id_, run in world.runs.items() if run.stored]:
        del world.runs[id_]
    world.recent.clear()
    world.open_approvals.clear()
    world.once.clear()
    for conversation in list(world.conversations)[:-60]:
        del world.conversations[conversation]


async def play(world, faults_of, operations, quick):
    seconds, patience = (QUICK_SECONDS, QUICK_PATIENCE) if quick else (6 * 3600, PATIENCE)
    began = time.monotonic()
    spent = 0.0
    done, unstored = [], set()
    faults = None
    while world.operations < operations and not world.stopping:
        n = min(ROUND, operations - world.operations)
        faults = faults_of(n)
        world.up.set()
        round_began = time.monotonic()
        await one_round(world, faults, n, patience, seconds - (time.monotonic() - began))
        spent += time.monotonic() - round_began
        done += faults.done
        if world.daemon.process.poll() is not None:
            break
        await read_again(world, check_journal(world), patience, began + QUICK_CHECKS if quick else float("inf"))
        unstored = {id_ for id_, run in world.runs.items() if not run.stored}
        if world.operations < operations and not world.stopping:
            forget(world)
        if not quick:
            print(f"{world.operations} operations, {len(done)} faults, {dict(world.counts) or 'no finding'}", flush=True)
    if world.daemon.process.poll() is None and faults:
        world.stopping = False
        await faults.end(kill=False)
        await faults.start()
        kept = unstored & check_journal(world)
        if kept:
            world.blame("kept", f"{len(kept)} of {len(unstored)} unstored responses are in the journal after a restart", world.runs[sorted(kept)[0]])
    return spent, done


def rows(_baton, _models_dir, quick, options):
    seed = options.seed if options.seed is not None else random.randrange(1 << 30)
    operations = options.operations or (QUICK_OPERATIONS if quick else OPERATIONS)
    with daemon_to_be_tried(options.program) as (daemon, disk, clock_file):
        print(f"chaos: seed {seed}, {operations} operations", flush=True)
        world = World(seed, daemon)
        rounds = iter(range(1 << 30))
        spent, faults = asyncio.run(play(world, lambda n: Faults(world, disk, clock_file, n, next(rounds)), operations, quick))
        words = daemon.stderr_tail()
        daemon.stop()
    print("answers: " + ", ".join(f"{what}: {n}" for what, n in sorted(world.answers.items())))
    if world.details:
        print(f"the daemon's last words: {words}")
    how = ", ".join(f"{faults.count(fault)} {fault}" for fault in sorted(set(faults)))
    where = "a disk of memory" if disk.folder else "no disk of its own: RLIMIT_FSIZE alone"
    enough = operations // 2 if quick else operations  # a busy machine does fewer in the time of --quick
    yield suite.row("operations", world.operations, target=f">= {enough}", ok=world.operations >= enough,
                    note=f"seed {seed}, {len(world.verified)} responses, {world.effects_seen} effects; {how}; {where}")
    for kind, what in KINDS.items():
        yield suite.row(what, world.counts[kind], target="0", ok=world.counts[kind] == 0, note=next((text.split("\n")[0][:200] for known, text in world.details if known == kind), ""))
    yield suite.row("operations a second", round(world.operations / max(spent, 0.1)), target="stated", ok=True, note=f"{CLIENTS} clients")
