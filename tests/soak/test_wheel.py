"""The wheel in an empty environment: it works, and adds no name outside saedata*."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.mark.soak
def test_only_names_that_start_with_saedata(wheel: Path) -> None:
    names = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert names
    assert all(name.startswith("saedata") for name in names), names
    assert wheel.stat().st_size < 25e6


@pytest.mark.soak
def test_it_carries_weights_templates_and_the_typing_marker(wheel: Path) -> None:
    inside = set(zipfile.ZipFile(wheel).namelist())
    assert "saedata/py.typed" in inside
    assert "saedata/encoders/minilm/sae_weights.safetensors" in inside
    assert "saedata/encoders/named.toml" in inside
    assert any(name.endswith(".j2") for name in inside)
    assert any(name.endswith(".css") for name in inside)
    assert "saedata_cli/main.py" in inside


@pytest.mark.soak
def test_installed_wheel_makes_a_report(wheel: Path, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    pip = [str(tmp_path / "env/bin/python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(wheel)], check=True)
    command = [
        str(tmp_path / "env/bin/saedata"),
        "report",
        "willow.jsonl",
        "flint.jsonl",
        "--out",
        str(tmp_path / "r.html"),
    ]
    subprocess.run(command, check=True, cwd=ROOT / "samples")
    assert "<html" in (tmp_path / "r.html").read_text()
