"""Two unrelated concepts planted in ten of a thousand documents, and whether `correlate` shows their pair."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

import saedata
from benchmarks.ground_truth.corpora import by_hash
from benchmarks.harness import RESULTS, Figure, data
from benchmarks.held_out import labelled_encoder
from benchmarks.keywords import Keywords
from benchmarks.null_control import shuffles
from saedata.analysis.correlate.search import npmi
from saedata.frame import Embeddings
from saedata.frame.features import feature_name_expr
from saedata.sentences import Remembered, embed_sentences

FOLDER = Path(__file__).parent / "planted_pairs"
PAIRS = RESULTS / "planted_correlations_pairs.csv"
MIXTURE = {"answers": 400, "news": 200, "tweets": 150, "human answers": 120, "plots": 120}
"""Documents of each kind in a background of 990."""

POOL = 3
"""Documents to draw from for each one drawn."""

DRAWS, TOP, LEVEL, FEWEST = 10, 20, 0.05, 10
HIGH = 0.6
"""NPMI from which Jiang et al. (2025) look at a pair."""

STRICT = 3.0
"""A second threshold, tried after the encoder's own (1.0) had missed: fewer, stronger activations count as on."""

METHODS = ("interesting", "plain NPMI", "plain NPMI, 10 documents or more", "interesting, on above 3")


@dataclass(frozen=True, eq=False)
class Plant:
    """Ten documents, and the words for their two concepts."""

    name: str
    texts: list[str]
    first: Keywords
    second: Keywords

    def rank(self, pairs: pl.DataFrame) -> int | None:
        """Place of the first pair (from 1) in which one label names the one concept, and the other the other."""
        rows = enumerate(pairs.select("label_a", "label_b").iter_rows(), 1)
        return next((at for at, (a, b) in rows if self._named(a, b) or self._named(b, a)), None)

    def _named(self, a: str, b: str) -> bool:
        return self.first.match(a) and self.second.match(b)


def measure() -> list[Figure]:
    """Plants found in every draw, by all methods, with the plant and without it."""
    encoder, _ = labelled_encoder("minilm")
    plants = read_plants()
    pool = background()
    behind = saedata.embed(pool, text="text", encoder=encoder)
    planted = [saedata.embed(pl.DataFrame({"text": plant.texts}), text="text", encoder=encoder) for plant in plants]
    embed = Remembered(embed_sentences)
    found, without = [], []
    for draw in range(DRAWS):
        since = time.monotonic()
        drawn = behind.filter(pl.col("doc").is_in(drawn_documents(pool, draw).tolist()))
        for plant, frame in zip(plants, planted, strict=True):
            frames = Embeddings.concat([drawn, frame], name=plant.name)
            found += _looked(frames, draw, [plant], embed)
        without += _looked(drawn, draw, plants, embed)
        done = sum(row["rank"] is not None for row in found if row["draw"] == draw and row["method"] == METHODS[0])
        seconds = time.monotonic() - since
        print(f"draw {draw + 1} of {DRAWS}: {done} of {len(plants)}, {seconds:.0f} s", file=sys.stderr, flush=True)
    table, chance = pl.DataFrame(found, infer_schema_length=None), pl.DataFrame(without, infer_schema_length=None)
    RESULTS.mkdir(exist_ok=True)
    table.write_csv(PAIRS)
    first = behind.filter(pl.col("doc").is_in(drawn_documents(pool, 0).tolist()))
    return figures(table, chance) + false_pairs(Embeddings.concat([first, planted[0]]))


def read_plants(folder: Path = FOLDER) -> list[Plant]:
    """The documents of planted_pairs/ and their lists."""
    lists = json.loads((folder / "lists.json").read_text(encoding="utf-8"))["plants"]
    plants = []
    for name, one in lists.items():
        lines = (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
        texts = [json.loads(line)["text"] for line in lines]
        plants.append(Plant(name, texts, Keywords(one["first"]["words"]), Keywords(one["second"]["words"])))
    return plants


def background() -> pl.DataFrame:
    """Real documents to draw from: ``text``, ``kind``; by hash, no text twice."""
    answers = pl.read_parquet(data("alpaca_eval_outputs_a.parquet"))
    answers = answers.filter(~pl.col("model").str.contains("_concise|_verbose"))
    tweets = pl.read_parquet(data("tweeteval.parquet")).filter(pl.col("split") == "test")
    texts = {
        "answers": answers["output"],
        "news": pl.read_parquet(data("ag_news_test.parquet"))["description"],
        "tweets": tweets["text"],
        "human answers": pl.read_parquet(data("hc3_human_vs_chatgpt.parquet"))["human"],
        "plots": pl.read_parquet(data("subjectivity.parquet")).filter(pl.col("label").cast(pl.String) == "1")["text"],
    }
    return pl.concat(
        pl.DataFrame({"text": first_by_hash(values, POOL * MIXTURE[kind])}).with_columns(kind=pl.lit(kind))
        for kind, values in texts.items()
    )


def first_by_hash(values: pl.Series, most: int) -> list[str]:
    """Different texts, in the order of their hashes."""
    return sorted({text for text in values.drop_nulls() if text.strip()}, key=by_hash)[:most]


def drawn_documents(pool: pl.DataFrame, draw: int) -> NDArray[np.int64]:
    """Numbers of the documents of one draw, ascending: of each kind its share."""
    rng = np.random.default_rng((3, draw))
    kinds = pool["kind"].to_numpy()
    parts = [rng.permutation(np.flatnonzero(kinds == kind))[:size] for kind, size in MIXTURE.items()]
    return np.sort(np.concatenate(parts))


def _looked(frame: Embeddings, draw: int, plants: list[Plant], embed: Remembered) -> list[dict[str, object]]:
    """Place of each plant's pair, by each method."""
    found = (
        interesting(frame, embed),
        plain(frame),
        plain(frame, fewest=FEWEST),
        interesting(frame, embed, threshold=STRICT),
    )
    shown = dict(zip(METHODS, found, strict=True))
    rows = []
    for plant in plants:
        for method, pairs in shown.items():
            at = plant.rank(pairs)
            labels = pairs.row(at - 1, named=True) if at else {"label_a": None, "label_b": None}
            names = {side: labels[side] for side in ("label_a", "label_b")}
            rows.append({"draw": draw, "plant": plant.name, "method": method, "rank": at} | names)
    return rows


def interesting(frame: Embeddings, embed: Remembered, *, threshold: float | None = None) -> pl.DataFrame:
    """The first pairs of `correlate`, as it comes: high NPMI, low label similarity."""
    found = saedata.correlate(
        frame, direction="together", embed=embed, threshold=threshold, evidence=0, coupled_features=0
    )
    return found.filter(pl.col("q") < LEVEL).head(TOP)


def plain(frame: Embeddings, *, fewest: int = 1) -> pl.DataFrame:
    """Pairs of highest NPMI, without test, strata or filters; ties by feature numbers."""
    features, values = all_npmi(frame, fewest=fewest)
    names = frame.features.select(feature_name_expr().alias("label"))["label"]
    a, b = top_pairs(values, TOP)
    return pl.DataFrame({f"label_{side}": names.gather(features[at]) for side, at in (("a", a), ("b", b))})


def all_npmi(frame: Embeddings, *, fewest: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Features on in enough documents, and the NPMI of all their pairs: above the diagonal, -2 elsewhere."""
    on = (frame.to_csr() > frame.threshold).astype(np.float32)
    total = np.asarray(on.sum(axis=0)).ravel()
    features = np.flatnonzero((total >= fewest) & (total < on.shape[0]))
    dense = on[:, features].toarray()
    together, total = dense.T @ dense, total[features]
    values = npmi(together.astype(np.float64), total[:, None], total[None], on.shape[0])
    return features, np.triu(values + 2, 1) - 2


def top_pairs(values: NDArray[np.float64], n: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of the largest values above the diagonal; of equal ones the first."""
    size = min(n, len(values) * (len(values) - 1) // 2)
    flat = values.ravel()
    least = np.partition(flat, len(flat) - size)[len(flat) - size]
    above, equal = np.flatnonzero(flat > least), np.flatnonzero(flat == least)
    chosen = np.concatenate([above, equal])[:size]
    chosen = chosen[np.argsort(-flat[chosen], kind="stable")]
    a, b = np.divmod(chosen, len(values))
    return a, b


def figures(table: pl.DataFrame, chance: pl.DataFrame) -> list[Figure]:
    """Plants found in a draw: the fewest and the mean, for each method; then each plant."""
    shown = []
    for method in METHODS:
        per_draw = found_per_draw(table.filter(pl.col("method") == method))
        n, target = f"{len(per_draw)} draws", (">=", 4.0) if method == METHODS[0] else None
        shown.append(Figure(f"{method}: plants found, fewest in a draw", min(per_draw), n, target))
        shown.append(Figure(f"{method}: plants found, mean of the draws", float(np.mean(per_draw)), n))
        control = found_per_draw(chance.filter(pl.col("method") == method))
        shown.append(Figure(f"{method}: found though not planted, mean", float(np.mean(control)), n))
    own = table.filter(pl.col("method") == METHODS[0])
    for (plant,), rows in own.group_by("plant", maintain_order=True):
        middle = rows["rank"].median()
        n = f"{rows.height} draws" + ("" if middle is None else f", median rank {middle:g}")
        shown.append(
            Figure(f"{str(plant).replace('_', ' x ', 1)}: draws where it is found", float(rows["rank"].count()), n)
        )
    return shown


def found_per_draw(table: pl.DataFrame) -> list[int]:
    """How many plants are found in each draw."""
    return table.group_by("draw", maintain_order=True).agg(pl.col("rank").count())["rank"].to_list()


def false_pairs(frame: Embeddings) -> list[Figure]:
    """Pairs that each method finds when features are shuffled within documents of similar length."""
    counts: dict[str, list[int]] = {method: [] for method in METHODS}
    with tempfile.TemporaryDirectory() as place:
        for shuffled in shuffles(frame, Path(place), DRAWS):
            for method, threshold in ((METHODS[0], None), (METHODS[3], STRICT)):
                table = saedata.correlate(
                    shuffled, direction="together", embed=None, threshold=threshold, evidence=0, coupled_features=0
                )
                counts[method].append(table.filter(pl.col("q") < LEVEL).height)
            for method, fewest in ((METHODS[1], 1), (METHODS[2], FEWEST)):
                counts[method].append(int((all_npmi(shuffled, fewest=fewest)[1] > HIGH).sum()))
    what = dict.fromkeys((METHODS[0], METHODS[3]), f"q < {LEVEL:g}")
    return [
        Figure(
            f"{method}: false pairs ({what.get(method, f'above {HIGH:g}')}) when shuffled, mean",
            float(np.mean(values)),
            f"{len(values)} shuffles",
        )
        for method, values in counts.items()
    ]
