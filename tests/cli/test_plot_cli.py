"""--plot draws what the command found, in every command that has a picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from saedata.errors import InputError
from saedata.frame import Embeddings
from saedata_cli.main import cli

LABELS = ["tea", "sailing ships", "arithmetic", "gardens", "opera", "rain"]


@pytest.fixture
def corpora(make_frame: Callable[..., Embeddings]):
    paths = []
    for seed, name in enumerate(("a.sae", "b.sae")):
        on = np.random.default_rng(seed).random((60, 6)) < 0.3
        on[:, 1] = on[:, 0]
        on[:, 4] |= seed == 0
        texts = [f"{i} " + " ".join(f"word{j} gap" for j in range(6)) for i in range(60)]
        rows = [(text, {2 * int(f): 1.0 + f for f in np.flatnonzero(row)}) for text, row in zip(texts, on, strict=True)]
        labels = pl.DataFrame({"feature": range(0, 12, 2), "label": LABELS}, schema_overrides={"feature": pl.UInt32})
        user = {"year": [2020 + i % 3 for i in range(60)]}
        paths.append(str(make_frame(name, rows, features=12, shard=50, labels=labels, user=user).path))
    return paths


@pytest.mark.parametrize(
    ("arguments", "pictures"),
    [
        (["diff", "A", "B"], 2),
        (["diff", "A", "--by", "year", "--trend"], 2),
        (["correlate", "A"], 2),
        (["correlate", "A", "--groups"], 1),
        (["correlate", "A", "--column", "year"], 1),
        (["audit", "A", "B"], 2),
        (["coverage", "A"], 1),
        (["select", "A", "--documents", "5"], 1),
        (["select", "A", "--documents", "5", "--curve"], 1),
        (["overlap", "A", "B"], 1),
    ],
)
def test_each_command_draws(corpora: list[str], tmp_path: Path, arguments: list[str], pictures: int):
    given = [{"A": corpora[0], "B": corpora[1]}.get(one, one) for one in arguments]
    path = tmp_path / "p.svg"
    done = CliRunner().invoke(cli, [*given, "--plot", str(path)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert f"{path}: {pictures} picture" in done.stderr
    root = ET.parse(path).getroot()
    assert len(root.findall("{http://www.w3.org/2000/svg}svg")) == pictures
    assert not re.search("nothing to draw|no groups", "".join(root.itertext()))


def test_a_bad_name_is_refused_before_any_work(corpora: list[str], tmp_path: Path):
    for name, told in (("p.pdf", r"must end in \.html, \.png or \.svg"), ("no/p.svg", "there is no folder")):
        with pytest.raises(InputError, match=told):
            CliRunner().invoke(
                cli, ["diff", "missing.sae", corpora[1], "--plot", str(tmp_path / name)], catch_exceptions=False
            )
    assert not (tmp_path / "p.pdf").exists()
