import re
from collections import Counter
from itertools import pairwise, product

import polars as pl

from benchmarks.targeted_clustering import AXES, PARAGRAPHS


def test_every_cell_has_ten_and_no_two_share_six_words() -> None:
    table = pl.read_ndjson(PARAGRAPHS)
    cells = Counter(table.select(*AXES).iter_rows())
    assert len(cells) == len(list(product(*(range(size) for size in AXES.values()))))
    assert set(cells.values()) == {10}
    runs: dict[tuple[str, ...], int] = {}
    for number, text in enumerate(table["text"].to_list()):
        words = re.findall(r"[a-z0-9]+", text.lower().replace("'", "").replace("’", ""))
        for run in zip(*(words[start:] for start in range(6)), strict=False):
            assert runs.setdefault(run, number) == number, run


def test_ids_are_consecutive() -> None:
    ids = sorted(pl.read_ndjson(PARAGRAPHS)["id"].to_list())
    assert all(int(b[1:]) - int(a[1:]) == 1 for a, b in pairwise(ids))
