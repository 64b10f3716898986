"""Figures with targets, the folder with the corpora, and RESULTS.md."""

from __future__ import annotations

import datetime
import json
import os
import platform
import resource
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"
SUMMARY = Path(__file__).parent / "RESULTS.md"

HOW_TO_GET_DATA = (
    "set SAEDATA_BENCH_DATA to a folder with the corpora; benchmarks/README.md names them and their sources"
)


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes
    ----------
    name
        What was measured.
    value
        What came out.
    n
        On how many documents, tokens or runs.
    target
        What it should be, with its comparison, e.g. ("<=", 0.2); None where it is only reported.
    unit
        Shown behind the value.
    """

    name: str
    value: float
    n: str
    target: tuple[str, float] | None = None
    unit: str = ""

    @property
    def verdict(self) -> str:
        """pass, MISS, or nothing where there is no target."""
        if self.target is None:
            return ""
        sign, bound = self.target
        return "pass" if (self.value <= bound if sign == "<=" else self.value >= bound) else "MISS"

    def cells(self) -> tuple[str, str, str, str, str]:
        """Name, target, value, verdict, n, as text."""
        target = f"{self.target[0]} {self.target[1]:g}{self.unit}" if self.target else ""
        return self.name, target, f"{self.value:.4g}{self.unit}", self.verdict, self.n


class Skipped(Exception):
    """The data for a benchmark is not there."""


def data(name: str) -> Path:
    """A corpus of the benchmark folder."""
    folder = os.environ.get("SAEDATA_BENCH_DATA")
    if not folder or not Path(folder, name).exists():
        msg = f"{name} is not there: {HOW_TO_GET_DATA}"
        raise Skipped(msg)
    return Path(folder, name)


def machine() -> str:
    """Processor, cores, memory and accelerator, without naming the host."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, {psutil.virtual_memory().total / 2**30:.0f} GiB"


def peak_memory() -> int:
    """Bytes that this process has held at most.

    The largest resident size that `getrusage` tells would be that of the parent, if that was larger when it forked.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def save(name: str, figures: list[Figure], *, seconds: float) -> None:
    """Keep the figures, and write the summary anew from all that is kept."""
    RESULTS.mkdir(exist_ok=True)
    record = {
        "figures": [asdict(figure) for figure in figures],
        "command": f"python -m benchmarks {name}",
        "machine": machine(),
        "date": datetime.datetime.now(tz=datetime.UTC).date().isoformat(),
        "seconds": round(seconds),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n")
    SUMMARY.write_text(_summary())


def _summary() -> str:
    lines = [
        "# Results",
        "",
        "Written by `python -m benchmarks`; each block says how to make it again. Times are of shared, noisy machines.",
    ]
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text())
        lines += ["", f"## {path.stem.replace('_', ' ')}", ""]
        lines += [f"`{record['command']}` · {record['machine']} · {record['date']} · {record['seconds']} s", ""]
        lines += ["| figure | target | value | | n |", "|---|---|---|---|---|"]
        for values in record["figures"]:
            target = tuple(values["target"]) if values["target"] else None
            figure = Figure(**(values | {"target": target}))
            lines.append("| " + " | ".join(figure.cells()) + " |")
    return "\n".join(lines) + "\n"
