"""The main job on the samples: every planted difference is found, and nothing where there is nothing.

`planted.json` lists the habits, their true rates and the accepted words; it was committed before any run.
"""

import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

import saedata
from saedata.encoders import load_encoder
from saedata.frame import Embeddings, names_across

SAMPLES = Path(__file__).parents[1] / "samples"
PLANTED = json.loads((Path(__file__).with_name("planted.json")).read_text())
TOP = 10


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> tuple[Embeddings, Embeddings]:
    encoder = load_encoder("minilm", device="cpu")
    folder = tmp_path_factory.mktemp("samples")
    willow, flint = (
        saedata.embed(SAMPLES / f"{name}.jsonl", encoder=encoder, out=folder / f"{name}.sae")
        for name in ("willow", "flint")
    )
    return willow, flint


@pytest.fixture(scope="module")
def top(frames: tuple[Embeddings, Embeddings]) -> pl.DataFrame:
    """The ten largest differences each way, as a report shows them, with each feature's top tokens."""
    found = saedata.diff(*frames).filter(pl.col("q") < 0.05)
    more, less = found.filter(pl.col("difference") > 0), found.filter(pl.col("difference") < 0)
    names = names_across([frame.features for frame in frames]).select("feature", "tokens")
    return pl.concat([more.head(TOP), less.head(TOP)]).join(names, on="feature", how="left")


def shows(row: dict, habit: dict) -> bool:
    """A label with an accepted word; or, without a label, a first top token or two top tokens that are accepted."""
    accepted = set(habit["accepted"])
    if not row["label"].startswith("feature "):
        return bool(accepted & set(re.findall(r"[a-z0-9?]+", row["label"].lower())))
    hits = [token in accepted for token in row["tokens"]]
    return hits[0] or sum(hits) >= 2


@pytest.mark.parametrize("name", PLANTED)
def test_each_planted_difference_is_among_the_largest(name: str, top: pl.DataFrame) -> None:
    habit = PLANTED[name]
    sign = np.sign(habit["willow"] - habit["flint"])
    same = top.filter(pl.col("difference").sign() == sign)
    found = [row["label"] for row in same.iter_rows(named=True) if shows(row, habit)]
    assert found, f"{name} is not among {top['label'].to_list()}"


def shuffled(frames: tuple[Embeddings, Embeddings], seed: int) -> pl.DataFrame:
    """The same documents, but who answered is drawn."""
    both = Embeddings.concat(frames, name="both")
    side = np.random.default_rng(seed).permutation(both.n_documents) < both.n_documents // 2
    docs = both.documents["doc"]
    one, two = (both.filter(pl.col("doc").is_in(docs.filter(pl.Series(mask)).implode())) for mask in (side, ~side))
    return saedata.diff(one, two, effects=False, evidence=0, evidence_rows=0)


def test_shuffled_assistants_do_not_differ(frames: tuple[Embeddings, Embeddings]) -> None:
    """None in the control; over 20 shuffles the 5 % that q < 0.05 allows (2 of 100 were seen), with a margin."""
    found = [shuffled(frames, seed) for seed in range(20)]
    assert all(table.height > 1000 for table in found)
    assert (found[0]["q"] < 0.05).sum() == 0
    assert sum((table["q"] < 0.05).any() for table in found) <= 3


def test_the_samples_are_what_their_readme_says() -> None:
    for name in ("willow", "flint"):
        corpus = pl.read_ndjson(SAMPLES / f"{name}.jsonl")
        words = corpus["response"].str.extract_all(r"\S+").list.len()
        assert corpus.height >= 150
        assert 60 <= words.median() <= 200
        seen: dict[tuple[str, ...], str] = {}
        for row in corpus.iter_rows(named=True):
            text = re.findall(r"[a-z0-9']+", row["response"].lower())
            for i in range(len(text) - 7):
                assert seen.setdefault(tuple(text[i : i + 8]), row["id"]) == row["id"]
    willow, flint = (pl.read_ndjson(SAMPLES / f"{n}.jsonl") for n in ("willow", "flint"))
    assert willow["prompt"].equals(flint["prompt"])


SIGNS = {
    "apology": r"sorry|apolog|regret|forgive|pardon",
    "asks_back": r"\?\s*$",
    "numbered_list": r"(?m)^1\. ",
    "warning": r"warning: ",
    "bottom_line": r"(?m)^bottom line: ",
}


@pytest.mark.parametrize("habit", SIGNS)
def test_planted_rates_are_the_true_ones_where_a_pattern_can_tell(habit: str) -> None:
    for name in ("willow", "flint"):
        texts = pl.read_ndjson(SAMPLES / f"{name}.jsonl")["response"]
        share = texts.str.contains(f"(?i){SIGNS[habit]}").mean()
        assert share == pytest.approx(PLANTED[habit][name], abs=0.001)
