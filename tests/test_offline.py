"""The whole default path with every socket blocked."""

import subprocess
import sys
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "samples"

SCRIPT = """
import socket, sys

def refuse(*_args, **_kwargs):
    raise AssertionError("a socket was opened")

socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
sys.argv = ["saedata", *sys.argv[1:]]
from saedata_cli.main import main
main()
"""


def test_embed_diff_and_report_open_no_socket(tmp_path: Path) -> None:
    import os

    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {"SAEDATA_CACHE": str(tmp_path / "c")}
    willow, flint = str(SAMPLES / "willow.jsonl"), str(SAMPLES / "flint.jsonl")
    for arguments in (
        ["embed", willow, "--out", str(tmp_path / "w.sae"), "--limit", "8"],
        ["features", str(tmp_path / "w.sae")],
        ["diff", willow, flint, "--limit", "8"],
        ["report", willow, flint, "--limit", "8", "--out", str(tmp_path / "r.html")],
        ["encoders"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, *arguments], env=env, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "a socket was opened" not in done.stderr
    page = (tmp_path / "r.html").read_text()
    for outside in ('src="http', 'href="http', "@import", "url(http"):
        assert outside not in page
