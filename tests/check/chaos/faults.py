"""The faults of the daemon while the clients of the suite chaos are at work: restarts, kills, a full disk, a clock that is set."""
import asyncio
import contextlib
import ctypes
import os
import pathlib
import random
import resource
import struct
import subprocess

from tests.support.daemon import Daemon

CLONE_NEWNS = 0x00020000
ROOM = 8 << 30  # bytes of the disk when it is not full: only a limit, memory is allocated as it is used
TEN_DAYS = 10 * 24 * 3600
FAULTS = {"terminate": 4, "kill": 4, "deny": 2, "disk": 4, "file_size": 1, "disk_and_kill": 1, "clock": 5, "pause": 3}


class Disk:
    """A file system of memory for the journal, which can be filled and emptied. Only this process and its children see it, and it ends with
    them. If mounting is not allowed, there is none, and files are prevented from growing instead."""

    def __init__(self):
        self.folder = None

    def mount(self, folder):
        if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
            return
        private = subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False)
        if private.returncode == 0 and subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", folder], capture_output=True, check=False).returncode == 0:
            self.folder = folder

    def resize(self, size):
        """Returns False if more than that is in use."""
        return subprocess.run(["mount", "-o", f"remount,size={size}", self.folder], check=False, capture_output=True).returncode == 0

    def fill(self):
        for spare in (2, 8, 32, 128, 512):  # blocks: it grows while we look
            state = os.statvfs(self.folder)
            if self.resize((state.f_blocks - state.f_bfree + spare) * state.f_frsize):
                return

    def free(self):
        if self.folder:
            self.resize(ROOM)

    def unmount(self):
        if self.folder:
            subprocess.run(["umount", "-l", self.folder], check=False, capture_output=True)


@contextlib.contextmanager
def daemon_to_be_tried(program):
    """(daemon, disk, clock file): its journal is on a disk of its own, and its wall clock differs by the value in the file."""
    disk = Disk()
    with Daemon(program=program, disk=disk.mount, options=["--shutdown-ms", "500", "--max-runs", "64"]) as daemon:
        try:
            clock_file = pathlib.Path(daemon.folder.name) / "clock"
            clock_file.write_bytes(bytes(8))
            daemon.stop()
            daemon.options += ["--clock", str(clock_file)]
            daemon.start()
            yield daemon, disk, clock_file
        finally:
            daemon.kill()
            disk.unmount()


class Faults:
    def __init__(self, world, volume, clock_file, n, round_):
        """n: operations; one fault comes about every hundred of them."""
        self.world, self.volume, self.clock_file = world, volume, clock_file
        self.round, self.random = round_, random.Random(f"{world.seed}-faults-{round_}")
        self.plan, at, deck = [], 0, []
        while (at := at + self.random.randint(40, 160)) <= n:
            if not deck:  # dealt like cards, so that even a short run has each kind
                deck = [fault for fault, times in FAULTS.items() for _ in range(times)]
                self.random.shuffle(deck)
            self.plan.append((at, deck.pop()))
        self.done, self.expected_end = [], False

    async def work(self, first):
        """first: the number of operations before this plan."""
        for at, fault in self.plan:
            while self.world.operations - first < at:
                if self.world.stopping:
                    return
                await asyncio.sleep(0.005)
            self.done.append(fault)
            await getattr(self, fault)()

    async def watch(self):
        """Reports a daemon that ends by itself, and restarts it."""
        world = self.world
        while not world.stopping:
            await asyncio.sleep(0.02)
            process = world.daemon.process
            if self.expected_end or process.poll() is None:
                continue
            self.crashed(process.returncode)
            await self.start()

    def crashed(self, status):
        world = self.world
        world.generation += 1
        world.up.clear()
        world.blame("crash", f"the daemon ended with status {status} after {self.done[-3:]}: {world.daemon.stderr_tail(600)}")
        if world.counts["crash"] >= 20:
            world.stopping = True

    async def start(self):
        self.expected_end = True
        for _ in range(3):
            try:
                await asyncio.wait_for(asyncio.to_thread(self.world.daemon.start), 60)
                self.expected_end = False
                self.world.up.set()
                return
            except (RuntimeError, TimeoutError) as error:
                self.world.blame("crash", f"the daemon does not start after {self.done[-3:]}: {error}")
        self.world.stopping = True
        self.world.up.set()

    async def end(self, kill):
        world = self.world
        self.expected_end = True
        world.generation += 1
        world.up.clear()
        process = world.daemon.process
        if process.poll() is not None:
            self.crashed(process.returncode)
        elif kill:
            world.daemon.kill()
        else:
            process.terminate()
            for _ in range(400):
                if process.poll() is not None:
                    break
                await asyncio.sleep(0.01)
            else:
                world.blame("hang", "SIGTERM: the daemon still runs after 4 s (--shutdown-ms is 500)")
                world.daemon.kill()
            if process.returncode not in (0, -9):
                world.blame("crash", f"SIGTERM ends the daemon with status {process.returncode}: {world.daemon.stderr_tail(600)}")

    async def terminate(self):
        await self.end(kill=False)
        await self.start()

    async def kill(self):
        await self.end(kill=True)
        await self.start()

    async def deny(self):
        """Restarts with a tool denied for which calls need approval; the next such restart allows it again."""
        await self.end(kill=self.random.random() < 0.5)
        options = self.world.daemon.options
        if "--deny" in options:
            self.world.daemon.options = options[:options.index("--deny")]
        else:
            self.world.daemon.options = options + ["--deny", "ask_first"]
        await self.start()

    def begin_full(self):
        self.world.full_until = float("inf")

    def end_full(self):
        self.world.full_until = self.world.now() + 15

    async def disk_full(self, kill):
        if not self.volume.folder:
            return await self.file_size()
        self.begin_full()
        self.volume.fill()
        await asyncio.sleep(self.random.uniform(0.1, 0.5))
        if kill:
            await self.end(kill=True)
        self.volume.free()
        self.end_full()
        if kill:
            await self.start()

    async def disk(self):
        await self.disk_full(kill=False)

    async def disk_and_kill(self):
        await self.disk_full(kill=True)

    async def file_size(self):
        """No file may grow beyond some kilobytes: the kernel sends SIGXFSZ and the write fails."""
        pid = self.world.daemon.process.pid
        effects = self.world.daemon.effects_file
        bound = 65536 + (effects.stat().st_size if effects.exists() else 0)
        self.begin_full()
        try:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))
            await asyncio.sleep(self.random.uniform(0.1, 0.5))
            if self.world.daemon.process.pid == pid and self.world.daemon.process.poll() is None:
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        except (ProcessLookupError, PermissionError):
            pass
        self.end_full()

    async def pause(self):
        """No fault until every request is answered: otherwise the next restart would end a request that hangs, and it would not be
        noticed."""
        self.world.pause = True
        while self.world.under_way and not self.world.stopping:
            await asyncio.sleep(0.01)
        self.world.pause = False

    async def clock(self):
        with open(self.clock_file, "r+b") as file:
            file.write(struct.pack("<q", self.random.choice([0, TEN_DAYS, -TEN_DAYS, 2 * TEN_DAYS])))
