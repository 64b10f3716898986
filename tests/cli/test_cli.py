"""The command line: same numbers as the functions, exit codes, one sentence for what is wrong."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner, Result

import saedata
from saedata_cli.main import _COMMANDS, cli


@pytest.fixture
def corpora(tmp_path: Path) -> tuple[Path, Path]:
    """Two small corpora: one apologises."""
    sorry = [{"text": f"sorry , i can not find water number {i}", "n": i} for i in range(30)]
    other = [{"text": f"look , there is hot water in place {i}", "n": i} for i in range(30)]
    for name, rows in (("sorry", sorry), ("other", other)):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    return tmp_path / "sorry.jsonl", tmp_path / "other.jsonl"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in arguments], catch_exceptions=True)


def test_every_command_has_help() -> None:
    for name in _COMMANDS:
        result = run(name, "--help")
        assert result.exit_code == 0, name
        assert "Usage" in result.output


def test_diff_prints_and_writes_exactly_the_functions_frame(
    corpora: tuple[Path, Path], tiny_encoder: Path, tmp_path: Path
) -> None:
    frames = [saedata.as_embeddings(c, encoder=tiny_encoder) for c in corpora]
    expected = saedata.diff(*frames)
    for suffix, read in ((".parquet", pl.read_parquet), (".json", pl.read_json)):
        out = tmp_path / f"d{suffix}"
        result = run("diff", *corpora, "--encoder", tiny_encoder, "--out", out)
        assert result.exit_code == 0, result.output
        assert read(out)["difference"].to_list() == expected["difference"].to_list()
        assert read(out).columns == expected.columns
    result = run("diff", *corpora, "--encoder", tiny_encoder, "--out", tmp_path / "d.csv")
    csv = pl.read_csv(tmp_path / "d.csv")
    assert csv["q"].to_list() == pytest.approx(expected["q"].to_list())
    assert csv["target_evidence"][0] == "; ".join(map(str, expected["target_evidence"][0]))
    result = run("diff", *corpora, "--encoder", tiny_encoder, "--json", "--quiet")
    assert [row["p"] for row in json.loads(result.output)] == expected["p"].to_list()


def test_people_see_names_shares_and_evidence(corpora: tuple[Path, Path], tiny_encoder: Path) -> None:
    result = run("diff", *corpora, "--encoder", tiny_encoder)
    assert result.exit_code == 0
    assert "sorry" in result.output
    assert "%" in result.output
    assert "Benjamini-Hochberg" in result.output


def test_embed_then_features_then_verify(corpora: tuple[Path, Path], tiny_encoder: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.sae"
    result = run("embed", *corpora, "--encoder", tiny_encoder, "--out", out)
    assert result.exit_code == 0, result.output
    assert "60 documents" in result.output
    assert "exact duplicates" in result.output
    result = run("features", out, "--json")
    assert {"feature", "label", "kind", "density"} <= json.loads(result.output)[0].keys()
    found = json.loads(run("features", out, "--find", "SORRY", "--json").output)
    assert found
    assert all("sorry" in " ".join(row["tokens"]) for row in found)
    result = run("verify", out)
    assert result.exit_code == 0, result.output
    next(out.glob("activations/*.parquet")).write_bytes(b"broken")
    assert run("verify", out).exit_code == 1


def test_encoders_lists_the_bundled_one() -> None:
    assert "minilm" in run("encoders").output


def test_train_writes_an_encoder_that_embed_takes(
    corpora: tuple[Path, Path], tiny_reader: Path, tmp_path: Path
) -> None:
    encoder = tmp_path / "mine"
    options = ["--reader", tiny_reader, "--layer", 2, "--features", 40, "--l0", 4, "--steps", 20, "--batch", 64]
    result = run("train", *corpora, *options, "--held-out", 0.3, "--out", encoder)
    assert result.exit_code == 0, result.output
    assert "variance unexplained" in result.output
    assert {p.name for p in encoder.iterdir()} == {
        "card.json", "cfg.json", "encoder.json", "sae_weights.safetensors", "statistics.safetensors",
    }  # fmt: skip
    assert run("train", *corpora, *options, "--out", encoder).exit_code != 0
    result = run("embed", corpora[0], "--encoder", encoder, "--out", tmp_path / "a.sae")
    assert result.exit_code == 0, result.output
    result = run("evaluate-sae", corpora[1], "--encoder", encoder, "--json")
    assert {row["metric"] for row in json.loads(result.output)} >= {"variance_unexplained", "l0", "dead"}


def bad_inputs(folder: Path) -> list[tuple[list[object], str]]:
    """Command lines that cannot work, and what the sentence must say."""
    (folder / "broken.jsonl").write_text('{"text": "a"}\n{"text": \n')
    (folder / "broken.parquet").write_bytes(b"PAR1 not really")
    (folder / "latin.txt").write_bytes(b"caf\xe9\n")
    (folder / "columns.csv").write_text("title,body\nx,y\n")
    (folder / "empty.jsonl").write_text('{"text": ""}\n{"text": null}\n')
    (folder / "fine.txt").write_text("water is hot\n")
    (folder / "taken").mkdir()
    (folder / "taken" / "file").write_text("mine")
    out = folder / "a.sae"
    return [
        (["embed", folder / "absent.jsonl", "--out", out], "absent.jsonl"),
        (["embed", folder / "broken.parquet", "--out", out], "broken.parquet"),
        (["embed", folder / "latin.txt", "--out", out], "latin.txt"),
        (["embed", folder / "broken.jsonl", "--out", out], "line 2"),
        (["embed", folder / "columns.csv", "--out", out, "--text", "texts"], "title"),
        (["embed", folder / "columns.csv", "--out", out], "body"),
        (["embed", folder / "empty.jsonl", "--out", out], "text"),
        (["embed", folder / "fine.txt", "--out", folder / "taken"], "taken"),
        (["embed", folder / "fine.txt", "--out", "/proc/nothing.sae"], "/proc/nothing.sae"),
        (["embed", folder / "fine.txt", "--out", out, "--encoder", "nobody"], "nobody"),
        (["report", folder / "fine.txt", "--out", folder], str(folder)),
        (["diff", folder / "fine.txt", folder / "fine.txt", "--out", folder / "x.xls"], ".parquet"),
        (["diff", folder / "fine.txt"], "other"),
        (["dif"], "Did you mean 'diff'"),
    ]


def test_bad_input_is_one_sentence_exit_code_two_and_nothing_half_written(tmp_path: Path) -> None:
    script = "import sys; from saedata_cli.main import main; sys.argv[0] = 'saedata'; main()"
    for arguments, part in bad_inputs(tmp_path):
        before = sorted(tmp_path.rglob("*"))
        command = [sys.executable, "-c", script, *map(str, arguments)]
        env = os.environ | {"HF_HUB_OFFLINE": "1", "SAEDATA_CACHE": "/proc/never-written"}
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 2, (arguments, done.stderr)
        assert part in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr, arguments
        assert len([line for line in done.stderr.splitlines() if line.startswith("saedata:")]) <= 1
        assert sorted(tmp_path.rglob("*")) == before, arguments


def fastest(command: list[str], *, runs: int = 3) -> float:
    """Best of a few runs: what the machine's other work cannot slow down."""
    times = []
    for _ in range(runs):
        since = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - since)
    return min(times)


def test_import_and_help_are_quick() -> None:
    assert fastest([sys.executable, "-c", "import saedata"]) < 0.5
    assert fastest([str(Path(sys.executable).parent / "saedata"), "--help"]) < 1.0


def test_help_and_import_load_nothing_heavy() -> None:
    script = (
        "import sys, saedata, saedata_cli.main as m;"
        "[m.cli.get_command(None, name) for name in m._COMMANDS];"
        "print([x for x in ('torch','transformers','altair','scipy','statsmodels','pandas') if x in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{Path(sys.executable).parent / 'saedata'} --help | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
