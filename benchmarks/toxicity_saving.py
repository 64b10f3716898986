"""What a tenth of the discovery documents keeps, where there are all 5,000 documents of a language.

`toxicity` reads 1,300 documents of each of fifteen languages, a tenth of which is about a hundred. Here are all
documents of the six languages whose texts cost least to read; settings and parts are the same. The languages were
chosen before any result, by what their texts cost.
"""

from __future__ import annotations

import polars as pl

from benchmarks.harness import RESULTS, Figure, data
from benchmarks.multilingual import frame_of
from benchmarks.toxicity import LABEL, LANGUAGE, SEED, TEST, own_figures, saving_figures
from saedata.analysis.toxicity import toxicity

LANGUAGES = ("en", "ja", "ru", "tt", "uk", "zh")


def documents() -> pl.DataFrame:
    """All documents of the languages."""
    table = pl.read_parquet(data("textdetox_toxicity.parquet"))
    return table.filter(pl.col(LANGUAGE).is_in(LANGUAGES))


def measure() -> list[Figure]:
    """What is kept; and the scores, as there are more documents here to learn from and to test on."""
    frame = frame_of("textdetox_toxicity_six", documents())
    found = toxicity(frame, label=LABEL, language=LANGUAGE, leaks="drop", test=TEST, seed=SEED)
    RESULTS.mkdir(exist_ok=True)
    found.efficiency.write_csv(RESULTS / "toxicity_saving.csv", float_precision=4)
    return [*saving_figures(found), *own_figures(found)]
