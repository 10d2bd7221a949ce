"""What the kernel says of processes, files and the machine (Linux: /proc)."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import shutil
import signal
import subprocess
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
STRACE_STOP_LIMIT_S = 10.0
OPEN_FILES_MAX = 65_536  # connections of the idle row, twice: this process and the server


def family(pid: int) -> list[int]:
    """The process and every process below it."""
    members = [pid]
    for member in members:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            members.extend(int(child) for child in children.read_text().split())
    return members


def cpu_s(pid: int) -> float:
    """Processor seconds used by the process and those below it, in steps of 10 ms."""
    ticks = 0
    for member in family(pid):
        fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS_PER_S


def rss_bytes(pid: int) -> int:
    """Resident memory of the process and those below it."""
    return sum(int(Path(f"/proc/{member}/statm").read_text().split()[1]) for member in family(pid)) * PAGE_BYTES


def own_cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def folder_bytes(folder: Path) -> int:
    """Bytes of all files in the folder, logs left out."""
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file() and f.suffix != ".log")


def raise_open_files() -> None:
    """Let this process and the servers it starts have as many connections as the machine allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = OPEN_FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, OPEN_FILES_MAX)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


def describe() -> dict[str, str | int | float]:
    model = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "cores": os.cpu_count() or 0,
        "processor": model[0] if model else platform.machine(),
        "memory_gib": round(memory_kib / 1024**2, 1),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_average_at_start": round(os.getloadavg()[0], 2),
    }


def filesystem(folder: Path) -> str:
    """The type of the filesystem that holds the folder; on tmpfs an fsync proves nothing."""
    found = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], capture_output=True, text=True, check=True)
    return found.stdout.strip()


def busy_cpu_s() -> float:
    """Processor seconds that all cores together have worked, or were taken by other machines of the same host."""
    user, nice, system, _, _, irq, softirq, steal = (
        int(ticks) for ticks in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_S


class Reading(NamedTuple):
    """One measured window: wall seconds, processor seconds of the server, of the client and of everything else."""

    seconds: float
    server_cpu_s: float
    client_cpu_s: float
    others_cpu_s: float = 0.0

    @property
    def others(self) -> float:
        """Cores that were busy with something else: what spoils a figure."""
        return self.others_cpu_s / self.seconds if self.seconds else 0.0


class Meter:
    """Reads clocks when made, and their difference when read."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._server, self._client, self._busy = cpu_s(pid), own_cpu_s(), busy_cpu_s()
        self.began = perf_counter()

    def read(self) -> Reading:
        seconds = perf_counter() - self.began
        server, client = cpu_s(self._pid) - self._server, own_cpu_s() - self._client
        others = max(0.0, busy_cpu_s() - self._busy - server - client)
        return Reading(seconds, server, client, others)


async def fsyncs_per_s(pid: int, seconds: float) -> float | None:
    """Completed fsync and fdatasync calls of the process, watched with strace; None when it can't be watched."""
    if shutil.which("strace") is None:
        return None
    watch = await asyncio.create_subprocess_exec(
        "strace", "-f", "-q", "-c", "-e", "trace=fsync,fdatasync", "-p", str(pid), stderr=asyncio.subprocess.PIPE
    )  # fmt: skip
    try:
        await asyncio.sleep(seconds)
        watch.send_signal(signal.SIGINT)
        _, table = await asyncio.wait_for(watch.communicate(), STRACE_STOP_LIMIT_S)
    finally:
        if watch.returncode is None:
            watch.kill()
    rows = [line.split() for line in table.decode().splitlines()]
    if not any(row[-1:] == ["total"] for row in rows):
        return 0.0 if watch.returncode in (0, -signal.SIGINT, 130) else None
    return sum(int(row[3]) for row in rows if row[-1:] in (["fsync"], ["fdatasync"])) / seconds
