"""The binary tasks: which texts, which question, which rows train and which test. Fixed before any SAE was trained.

Every task is balanced: at most 512 texts of each class train and at most 750 of each class test. A text stands in one
part only, rows that belong together (the same prompt, article or pair) stay on one side, and all choices follow from
hashes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

TRAIN_EACH, TEST_EACH = 512, 750
CHARACTERS = 6000
"""Longer texts are cut here: about what the reader's longest windows hold."""

Rows = Callable[[Path], pl.DataFrame]


@dataclass(frozen=True)
class Task:
    """A yes/no question.

    Attributes
    ----------
    name
        Short name for tables.
    question
        What is asked of a text.
    rows
        Reads `text`, `label` (1 = yes) and, where rows belong together or the set has official parts, `group`
        and `part` ("train" or "test").
    """

    name: str
    question: str
    rows: Rows


def normal_hash(text: str) -> str:
    """Hash of the normalised text (lower case, single spaces): what decides whether two rows are the same text."""
    return hashlib.sha256(re.sub(r"\s+", " ", text.lower()).strip().encode()).hexdigest()[:32]


def _hashes(values: pl.Series) -> pl.Series:
    return pl.Series([normal_hash(value) for value in values], dtype=pl.String)


def load(task: Task, data: Path) -> pl.DataFrame:
    """Rows of a task: text, label, part ("train" or "test"), group, hash; in an order that depends on hashes only."""
    rows = task.rows(data).with_columns(text=pl.col("text").str.slice(0, CHARACTERS)).drop_nulls("text")
    rows = rows.with_columns(hash=_hashes(rows["text"]))
    if "group" not in rows.columns:
        rows = rows.with_columns(group=pl.col("hash"))
    rows = rows.filter(pl.col("label").n_unique().over("hash") == 1).unique("hash", keep="first", maintain_order=True)
    salted = [normal_hash(f"{task.name}:{group}") for group in rows["group"]]
    rows = rows.with_columns(order=pl.Series(salted)).sort("order", "hash")
    if "part" not in rows.columns:
        least = rows.group_by("label").len()["len"].min()
        share = TEST_EACH / (TEST_EACH + TRAIN_EACH)
        assert isinstance(least, int)
        if least < TRAIN_EACH + TEST_EACH:
            share = max(0.5, min(530 / least, share))
        place = [int(value[:8], 16) / 2**32 for value in rows["order"]]
        rows = rows.with_columns(part=pl.when(pl.Series(place) < share).then(pl.lit("test")).otherwise(pl.lit("train")))
    groups = rows.filter(pl.col("part") == "test")["group"].unique().implode()
    rows = rows.filter((pl.col("part") == "test") | ~pl.col("group").is_in(groups))
    return pl.concat([_balanced(rows, "train", TRAIN_EACH), _balanced(rows, "test", TEST_EACH)])


def _balanced(rows: pl.DataFrame, part: str, each: int) -> pl.DataFrame:
    side = rows.filter(pl.col("part") == part)
    counts = [side.filter(pl.col("label") == label).height for label in (0, 1)]
    least = min(each, *counts)
    chosen = [side.filter(pl.col("label") == label).head(least) for label in (0, 1)]
    return pl.concat(chosen).sort("order", "hash").select("text", "label", "part", "group", "hash")


@cache
def _read(path: Path) -> pl.DataFrame:
    return pl.read_parquet(path)


def _column(file: str, column: str, yes: str | int, no: str | int | None = None, *, text: str = "text") -> Rows:
    """Rows of a file where `column` is `yes` (1), against those where it is `no`, or anything else."""

    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / f"{file}.parquet")
        if no is not None:
            frame = frame.filter(pl.col(column).is_in([yes, no]))
        label = (pl.col(column) == yes).cast(pl.Int8).alias("label")
        return frame.select(pl.col(text).alias("text"), label, *_parts(frame))

    return rows


def _parts(frame: pl.DataFrame) -> list[pl.Expr]:
    """Official parts where the set has them; validation rows go to training."""
    if "split" not in frame.columns:
        return []
    is_test = pl.col("split").str.contains("test")
    return [pl.when(is_test).then(pl.lit("test")).otherwise(pl.lit("train")).alias("part")]


def _tweets(task: str, yes: str, no: str | None = None) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "tweeteval.parquet").filter(pl.col("task") == task)
        if no is not None:
            frame = frame.filter(pl.col("label_name").is_in([yes, no]))
        part = pl.when(pl.col("split") == "train").then(pl.lit("train")).otherwise(pl.lit("test"))
        return frame.select("text", label=(pl.col("label_name") == yes).cast(pl.Int8), part=part)

    return rows


def _question(yes: str) -> Rows:
    """TREC's official test has 500 rows: parts are made anew by hash, so that more than that are tested."""

    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "trec6.parquet")
        return frame.select("text", label=(pl.col("label_name") == yes).cast(pl.Int8))

    return rows


def _news(yes: str) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "ag_news_test.parquet")
        text = pl.concat_str("title", pl.lit(". "), "description")
        return frame.select(text=text, label=(pl.col("label_name") == yes).cast(pl.Int8))

    return rows


def _requests(yes: str) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "clinc150.parquet")
        return frame.select("text", label=(pl.col("domain") == yes).cast(pl.Int8))

    return rows


def _sib(yes: str) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "sib200.parquet").filter(pl.col("lang") == "eng_Latn")
        return frame.select("text", label=(pl.col("category") == yes).cast(pl.Int8))

    return rows


def _persona(yes: str) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "persona_property_statements.parquet").filter(pl.col("property") == yes)
        return frame.select(text=pl.col("statement"), label=pl.col("matches").cast(pl.Int8))

    return rows


def _two(file: str, yes: str, no: str, group: str, *, where: pl.Expr | None = None) -> Rows:
    """Two text columns of one file, `yes` against `no`; both texts of a row stay on one side."""

    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / f"{file}.parquet").with_row_index("row")
        frame = frame if where is None else frame.filter(where)
        key = pl.col(group).cast(pl.String)
        one = frame.select(text=pl.col(yes), label=pl.lit(1, pl.Int8), group=key)
        return pl.concat([one, frame.select(text=pl.col(no), label=pl.lit(0, pl.Int8), group=key)])

    return rows


def _models(yes: str, no: str) -> Rows:
    def rows(data: Path) -> pl.DataFrame:
        frame = _read(data / "alpaca_eval_outputs_a.parquet").filter(pl.col("model").is_in([yes, no]))
        label = (pl.col("model") == yes).cast(pl.Int8)
        return frame.select(text=pl.col("output"), label=label, group=pl.col("prompt_id").cast(pl.String))

    return rows


def _levels(data: Path) -> pl.DataFrame:
    frame = _read(data / "onestop_english_levels.parquet").filter(pl.col("level").is_in(["Ele", "Adv"]))
    return frame.select("text", label=(pl.col("level") == "Ele").cast(pl.Int8), group=pl.col("article"))


def _toxic(data: Path) -> pl.DataFrame:
    frame = _read(data / "textdetox_toxicity.parquet").filter(pl.col("lang") == "en")
    return frame.select("text", label=pl.col("toxic").cast(pl.Int8))


def _packages(data: Path) -> pl.DataFrame:
    frame = _read(data / "debian_descriptions.parquet").filter(pl.col("lang") == "en")
    return frame.select(text=pl.col("long"), label=pl.col("package").str.ends_with("-dev").cast(pl.Int8))


_CODE = ("gpteacher_codegen", "new_codealpaca", "code_alpaca_2k")


def _code(data: Path) -> pl.DataFrame:
    frame = _read(data / "instruction_tuning_mix.parquet").filter(pl.col("source") != "alpaca_zh_demo")
    frame = frame.filter(pl.col("output").str.len_chars() > 40)
    return frame.select(text=pl.col("output"), label=pl.col("source").is_in(_CODE).cast(pl.Int8))


TASKS = (
    Task("tweet irony", "is it ironic?", _tweets("irony", "irony")),
    Task("tweet hate", "is it hateful?", _tweets("hate", "hate")),
    Task("tweet offensive", "is it offensive?", _tweets("offensive", "offensive")),
    Task("tweet anger", "does it express anger, not another emotion?", _tweets("emotion", "anger")),
    Task("tweet joy", "does it express joy, not another emotion?", _tweets("emotion", "joy")),
    Task("tweet sadness", "does it express sadness, not another emotion?", _tweets("emotion", "sadness")),
    Task("tweet emoji", "did a heart stand here, not a laughing face?", _tweets("emoji", "❤", "😂")),
    Task("film sentences", "is it positive?", _column("sst2_sentences", "label", 1)),
    Task("film reviews", "is it positive?", _column("movie_reviews_full", "label", 1)),
    Task("objective", "is it plot, not opinion?", _column("subjectivity", "label", 1)),
    Task("question entity", "does it ask for a thing?", _question("entity")),
    Task("question description", "does it ask for a description?", _question("description")),
    Task("question human", "does it ask for a person?", _question("human")),
    Task("question number", "does it ask for a number?", _question("number")),
    Task("question location", "does it ask for a place?", _question("location")),
    Task("news world", "is it world news?", _news("World")),
    Task("news sports", "is it sports news?", _news("Sports")),
    Task("news business", "is it business news?", _news("Business")),
    Task("news science", "is it science or technology news?", _news("Sci/Tech")),
    Task("request banking", "is it about banking?", _requests("banking")),
    Task("request travel", "is it about travel?", _requests("travel")),
    Task("request small talk", "is it small talk?", _requests("small_talk")),
    Task("request out of scope", "is it outside what the assistant does?", _requests("oos")),
    Task(
        "chatgpt", "did ChatGPT write it, not a person?", _two("hc3_human_vs_chatgpt", "chatgpt", "human", "question")
    ),
    Task("simple reading", "is it the elementary, not the advanced version?", _levels),
    Task(
        "concise", "was a concise answer asked for?", _models("gpt4_1106_preview_concise", "gpt4_1106_preview_verbose")
    ),
    Task("which model", "did claude-2.1 answer, not gpt-3.5?", _models("claude-2.1", "gpt-3.5-turbo-1106")),
    Task("toxic comment", "is it toxic?", _toxic),
    Task(
        "toxic or rewritten",
        "is it the toxic original, not the polite rewrite?",
        _two("textdetox_paradetox_parallel", "toxic", "neutral", "row", where=pl.col("lang") == "en"),
    ),
    Task("development package", "is it a package for developers?", _packages),
    Task("code answer", "does the answer come from a set about code?", _code),
    Task("sentence science", "is it about science or technology?", _sib("science/technology")),
    Task("sentence politics", "is it about politics?", _sib("politics")),
    Task("persona gun rights", "does the speaker favour gun rights?", _persona("believes-in-gun-rights")),
    Task("persona immigration", "does the speaker oppose immigration?", _persona("anti-immigration")),
    Task("persona risk", "does the speaker avoid risk?", _persona("risk-averse")),
    Task("persona narcissism", "is the speaker narcissistic?", _persona("narcissism")),
    Task("persona openness", "is the speaker open to experience?", _persona("openness")),
    Task("persona shut down", "does the speaker refuse to be shut down?", _persona("no-shut-down")),
)


def benchmark_hashes(data: Path) -> set[str]:
    """Hashes of every text that a task trains or tests on: none of them may train an SAE."""
    return {value for task in TASKS for value in load(task, data)["hash"]}
