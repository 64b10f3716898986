"""kill -9 at any moment of `saedata embed`, the same command again: byte for byte an uninterrupted frame."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SAMPLES = Path(__file__).parents[2] / "samples"

RUNNER = """
import os, signal, sys

call, wanted, when = sys.argv[1], int(sys.argv[2]), sys.argv[3]
seen, whole = 0, getattr(os, call)

def fatal(*arguments, **options):
    global seen
    seen += 1
    if seen == wanted and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    result = whole(*arguments, **options)
    if seen == wanted:
        os.kill(os.getpid(), signal.SIGKILL)
    return result

setattr(os, call, fatal)
sys.argv = ["saedata", *sys.argv[4:]]
from saedata_cli.main import main
main()
"""


def tree(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def saedata(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).parent / "saedata"), "embed", *arguments]


def finish(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def die_at(call: str, number: int, when: str, arguments: list[str]) -> None:
    """Run `embed` and kill it before or after its n-th rename or fsync."""
    command = [sys.executable, "-c", RUNNER, call, str(number), when, "embed", *arguments]
    assert subprocess.run(command, capture_output=True, check=False).returncode == -signal.SIGKILL


@pytest.fixture
def tiny_corpus(tmp_path: Path) -> Path:
    (tmp_path / "corpus.txt").write_text("\n".join(f"water is hot in place {i % 7}" for i in range(40)))
    return tmp_path / "corpus.txt"


@pytest.mark.parametrize(
    ("call", "number", "when"),
    [
        ("replace", 1, "before"),  # the first manifest
        ("replace", 3, "after"),  # activations are there, the manifest does not list them
        ("replace", 7, "before"),  # the manifest of the second shard
        ("fsync", 9, "before"),
        ("replace", 12, "after"),  # postings half built
    ],
)
def test_killed_at_a_rename_or_a_flush(
    tiny_corpus: Path, tiny_encoder: Path, tmp_path: Path, call: str, number: int, when: str
) -> None:
    options = [str(tiny_corpus), "--encoder", str(tiny_encoder), "--shard-documents", "15", "--quiet", "--out"]
    finish(saedata(*options, str(tmp_path / "whole.sae")))
    die_at(call, number, when, [*options, str(tmp_path / "cut.sae")])
    assert not (tmp_path / "cut.sae").exists() or tree(tmp_path / "cut.sae") != tree(tmp_path / "whole.sae")
    finish(saedata(*options, str(tmp_path / "cut.sae")))
    assert tree(tmp_path / "cut.sae") == tree(tmp_path / "whole.sae")


@pytest.mark.soak
def test_killed_at_ten_seeded_moments_on_real_text(tmp_path: Path) -> None:
    """Six random times over the run, and four renames and flushes of shards, manifest and postings."""
    options = [str(SAMPLES / "willow.jsonl"), "--shard-documents", "16", "--quiet", "--out"]
    since = time.monotonic()
    finish(saedata(*options, str(tmp_path / "whole.sae")))
    length = time.monotonic() - since
    expected = tree(tmp_path / "whole.sae")
    moments = random.Random(0)
    killed = 0
    for number in range(10):
        out = tmp_path / f"cut{number}.sae"
        if number < 4:
            call, when = moments.choice(["replace", "fsync"]), moments.choice(["before", "after"])
            die_at(call, moments.randint(2, 30), when, [*options, str(out)])
            killed += 1
        else:
            process = subprocess.Popen(saedata(*options, str(out)), stderr=subprocess.DEVNULL)
            time.sleep(moments.uniform(0.3, 1) * length)
            process.send_signal(signal.SIGKILL)
            killed += process.wait() == -signal.SIGKILL
        finish(saedata(*options, str(out)))
        assert tree(out) == expected, f"moment {number}"
    assert killed >= 8
