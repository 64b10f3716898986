"""Do the labels say what the features do? A judge who knows nothing else decides; here the questions and the marking.

    SAEDATA_BENCH_MIX=... python -m benchmarks.blind_check make --out DIR
    python -m benchmarks.blind_check score DIR answers.jsonl

`make` writes `DIR/material.jsonl` for the judge (item, label, and ten windows of held-out text, no marks) and
`DIR/key.jsonl` with the truth: features, which windows are which, and their hashes, but no text. 200 features have
their own label, 50 that of another feature. The judge writes one line `{"item": "i001", "answers": [0, 1, ...]}` for
each item: 1 where the window fits the label, in the order of the windows. `score` refuses answers that are incomplete.

The key and the answers of the last check are kept in `benchmarks/blind/` (the material is third-party text and is not);
`python -m benchmarks blind_check` scores them.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.harness import Figure, Skipped
from benchmarks.held_out import held_out, labelled_encoder, read_pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from saedata.labels.windows import Window, WindowPool

KEPT = Path(__file__).parent / "blind"
SEED, TOKENS = 0, 1_000_000
OWN, SWAPPED, EACH = 200, 50, 5
LIVE = 10
"""Windows in which a feature must be on to be live here."""

RESAMPLES = 10_000
_TOP = 2


@dataclass(frozen=True)
class Item:
    """One question and what is true of it.

    Attributes
    ----------
    item
        Its number, which tells nothing.
    feature
        Whose windows they are.
    label, label_of
        What the judge reads, and the feature that it was written for.
    quintiles
        For each window in order: 0 where the feature is off, else its activation quintile, 5 the strongest.
    sha256
        Hash of each window.
    """

    item: str
    feature: int
    label: str
    label_of: int
    quintiles: list[int]
    sha256: list[str]

    @property
    def swapped(self) -> bool:
        """Whether the label is another feature's."""
        return self.label_of != self.feature


class Refused(Exception):
    """The answers cannot be used: the message says which and why."""


def make(pool: WindowPool, labels: Mapping[int, str], *, seed: int = SEED) -> tuple[list[dict[str, Any]], list[Item]]:
    """Draw features, windows and swapped labels: what the judge sees, and the key to it, in the same random order."""
    rng = np.random.default_rng(seed)
    live = [f for f in sorted(labels) if len(pool.activating(f)[0]) >= LIVE]
    drawn = rng.permutation(live)[: OWN + SWAPPED].tolist()
    if len(drawn) < OWN + SWAPPED:
        msg = f"only {len(drawn)} labelled features are on in at least {LIVE} windows, {OWN + SWAPPED} are needed"
        raise Refused(msg)
    label_of = {f: f if i < OWN else _another(f, live, labels, rng) for i, f in enumerate(drawn)}
    material, key = [], []
    for number, feature in enumerate(rng.permutation(drawn).tolist(), start=1):
        windows = _windows(pool, feature, seed)
        order = rng.permutation(len(windows)).tolist()
        quintiles = [EACH - i if i < EACH else 0 for i in order]
        name, label = f"i{number:03}", labels[label_of[feature]]
        shown = [{"window": place, "text": windows[i].text} for place, i in enumerate(order)]
        material.append({"item": name, "label": label, "windows": shown})
        hashes = [windows[i].sha256 for i in order]
        key.append(Item(name, feature, label, label_of[feature], quintiles, hashes))
    return material, key


def _another(feature: int, live: Sequence[int], labels: Mapping[int, str], rng: np.random.Generator) -> int:
    return int(rng.choice([f for f in live if labels[f].lower() != labels[feature].lower()]))


def _windows(pool: WindowPool, feature: int, seed: int) -> list[Window]:
    """Five windows where a feature is on, strongest quintile first, and five of the same lengths where it is off."""
    positives = pool.positives(feature, EACH, seed=seed, quantiles=EACH)
    lengths = [int(pool.tokens[window.index]) for window in positives]
    return positives + pool.negatives(feature, EACH, seed=seed, lengths=lengths)


def read_answers(path: Path, key: Sequence[Item]) -> dict[str, list[int]]:
    """Answers by item, each as many 0 or 1 as the item has windows.

    Raises
    ------
    Refused
        If a line is malformed, or an item is missing, unknown or answered twice.
    """
    sizes = {item.item: len(item.quintiles) for item in key}
    answers: dict[str, list[int]] = {}
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        item, given = _answer(line, f"{path.name}, line {number}", sizes)
        if item in answers:
            msg = f"{path.name}, line {number}: {item} was answered before"
            raise Refused(msg)
        answers[item] = given
    if missing := sorted(sizes.keys() - answers.keys()):
        msg = f"{path.name}: {len(missing)} of {len(sizes)} items have no answers, the first is {missing[0]}"
        raise Refused(msg)
    return answers


def _answer(line: str, where: str, sizes: Mapping[str, int]) -> tuple[str, list[int]]:
    try:
        row = json.loads(line)
        item, given = row["item"], row["answers"]
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        msg = f'{where}: expected {{"item": ..., "answers": [...]}}'
        raise Refused(msg) from error
    if not isinstance(item, str) or item not in sizes:
        msg = f"{where}: there is no item {item!r}"
        raise Refused(msg)
    whole = isinstance(given, list) and len(given) == sizes[item]
    if not whole or any(type(answer) is not int or answer not in (0, 1) for answer in given):
        msg = f"{where}: {item} needs {sizes[item]} answers, each 0 or 1"
        raise Refused(msg)
    return item, given


def counts(items: Sequence[Item], answers: Mapping[str, Sequence[int]], *, weakest: int = 1) -> NDArray[np.int64]:
    """For each item: positives said to fit, positives, negatives said not to fit, negatives.

    Parameters
    ----------
    items, answers
        The key, and answers by item.
    weakest
        Positives of lower quintiles are left out.
    """
    rows = []
    for item in items:
        quintile, said = np.array(item.quintiles), np.array(answers[item.item])
        on, off = quintile >= weakest, quintile == 0
        rows.append([said[on].sum(), on.sum(), off.sum() - said[off].sum(), off.sum()])
    return np.array(rows, dtype=np.int64).reshape(-1, 4)


def balanced_accuracy(sums: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mean of the shares of positives and of negatives that were told right, from sums of `counts` in the last axis."""
    share: NDArray[np.float64] = (sums[..., 0] / sums[..., 1] + sums[..., 2] / sums[..., 3]) / 2
    return share


def interval(table: NDArray[np.int64], *, seed: int = SEED) -> tuple[float, float]:
    """95 % percentile interval of the balanced accuracy when the features are drawn again."""
    weights = np.random.default_rng(seed).multinomial(len(table), np.full(len(table), 1 / len(table)), size=RESAMPLES)
    low, high = np.quantile(balanced_accuracy(weights @ table), [0.025, 0.975])
    return float(low), float(high)


def figures(key: Sequence[Item], answers: Mapping[str, Sequence[int]]) -> list[Figure]:
    """Balanced accuracies with their targets and intervals."""
    own, swapped = ([item for item in key if item.swapped is side] for side in (False, True))
    top = EACH - _TOP + 1
    whole = _with_interval("blind balanced accuracy", counts(own, answers), 0.75)
    strong = _with_interval("the same, positives of the top two quintiles", counts(own, answers, weakest=top), 0.80)
    table = counts(swapped, answers)
    chance = _with_interval("the same, swapped labels", table, None)
    distance = abs(float(balanced_accuracy(table.sum(0))) - 0.5)
    return [*whole, *strong, *chance, Figure("swapped labels: distance from 0.5", distance, chance[0].n, ("<=", 0.05))]


def _with_interval(name: str, table: NDArray[np.int64], target: float | None) -> list[Figure]:
    n = f"{len(table)} features, {table[:, 1].sum() + table[:, 3].sum():,} windows"
    low, high = interval(table)
    value = float(balanced_accuracy(table.sum(0)))
    bound = None if target is None else (">=", target)
    return [Figure(name, value, n, bound), Figure(f"{name}: low", low, n), Figure(f"{name}: high", high, n)]


def read_key(folder: Path) -> list[Item]:
    """Items of a folder that `make` wrote."""
    return [Item(**json.loads(line)) for line in (folder / "key.jsonl").read_text().splitlines()]


def measure() -> list[Figure]:
    """Figures of the check that is kept."""
    if not (KEPT / "answers.jsonl").exists():
        msg = "no judged answers are kept in benchmarks/blind"
        raise Skipped(msg)
    key = read_key(KEPT)
    return figures(key, read_answers(KEPT / "answers.jsonl", key))


def write(out: Path, encoder_name: str) -> None:
    """Write material and key for an encoder's labels."""
    encoder, table = labelled_encoder(encoder_name)
    rows = table.drop_nulls("label").select("feature", "label").iter_rows()
    material, key = make(read_pool(encoder, held_out(), tokens=TOKENS), dict(rows))
    out.mkdir(parents=True, exist_ok=True)
    for name, lines in (("material", material), ("key", [asdict(item) for item in key])):
        text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
        (out / f"{name}.jsonl").write_text(text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if a target was missed, 2 if there is nothing to score."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("--out", type=Path, required=True)
    making.add_argument("--encoder", default="minilm")
    scoring = commands.add_parser("score")
    scoring.add_argument("folder", type=Path)
    scoring.add_argument("answers", type=Path)
    given = parser.parse_args(arguments)
    try:
        if given.command == "make":
            write(given.out, given.encoder)
            return 0
        key = read_key(given.folder)
        found = figures(key, read_answers(given.answers, key))
    except (Refused, Skipped, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for figure in found:
        print("  ".join(cell for cell in figure.cells() if cell))
    return int(any(figure.verdict == "MISS" for figure in found))


if __name__ == "__main__":
    sys.exit(main())
