from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner, Result
from dataset_frames import frame_of
from polars.testing import assert_frame_equal

from saedata.analysis.cluster import cluster
from saedata_cli.cluster import command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from saedata.frame import Embeddings

GROUP = np.arange(80) % 2


@pytest.fixture
def frame(make_frame: Callable[..., Any]) -> Embeddings:
    on = np.random.default_rng(1).random((80, 20)) < np.where((np.arange(20) // 10) == GROUP[:, None], 0.6, 0.05)
    on[::10] = False
    labels = pl.DataFrame(
        {"feature": np.arange(20, dtype=np.uint32), "label": [f"[bold]thing[/bold] {f}\x1b[31m" for f in range(20)]}
    )
    return frame_of(make_frame, on, labels=labels, user={"group": [f"g{g}" for g in GROUP]})


def run(*arguments: object) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(command, [str(a) for a in arguments])


def test_files_hold_what_the_function_returns(frame: Embeddings, tmp_path: Path):
    out, page = tmp_path / "out.csv", tmp_path / "out.html"
    words = ["--clusters", 2, "--agree", "group", "--stability", 0, "--seed", 3, "--plot", page]
    result = run(frame.path, *words, "--out", out)
    assert result.exit_code == 0, result.output
    expected = cluster(frame, clusters=2, columns=["group"], stability=0, seed=3)
    assert_frame_equal(pl.read_csv(out, schema=expected.documents.schema), expected.documents)
    clusters = pl.read_csv(tmp_path / "out.clusters.csv")
    assert clusters["documents"].to_list() == expected.clusters["documents"].to_list()
    assert clusters["typical"][0] == "; ".join(map(str, expected.clusters["typical"][0]))
    made = sorted(path.name for path in tmp_path.glob("out.*"))
    more = ("agreement", "clusters", "descriptions", "features", "summary", "tree")
    assert made == sorted(["out.csv", "out.html", *(f"out.{name}.csv" for name in more)])  # nothing about stability
    assert page.read_text().count("[bold]thing") >= 1


def test_what_people_see(frame: Embeddings):
    result = run(frame.path, "--clusters", 2, "--agree", "group", "--stability", 2, "--feature", 0, "--feature", 10)
    assert result.exit_code == 0, result.output
    for words in (
        "none of the chosen features",
        "2 clusters of 80 documents by spectral, 2 shown",
        "agreement with group: ARI ",
        "over 2 subsamples of 80 %",
        "compared by 2 features: [bold]thing[/bold] 0 [31m; [bold]thing[/bold] 10",
        "--held-out tests",
    ):
        assert words in result.output, result.output
    assert "\x1b[31m" not in result.output
    documents = json.loads(run(frame.path, "--clusters", 2, "--stability", 0, "--json").stdout)
    assert [row["doc"] for row in documents] == list(range(80))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--clusters", 200], "clusters is 200"),
        (["--agree", "absent"], "no column 'absent'"),
        (["--feature", 77], "feature 77 does not exist"),
        (["--base-url", "http://localhost:1/v1"], "belong together"),
        (["--out", "x.txt"], "must end in .parquet, .csv or .json"),
    ],
)
def test_bad_input(frame: Embeddings, words: list[Any], message: str):
    result = run(frame.path, *words)
    assert result.exit_code != 0
    assert message in str(result.exception) + result.output
