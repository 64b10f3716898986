"""BERTopic on texts and vectors that are there: `PYTHON bertopic_work.py TEXTS.json VECTORS.npy SEED TOPICS`.

Runs in an environment of its own and imports nothing of this project. TOPICS is a number, or "default". Prints topics
(-1 is noise), probabilities, seconds from the vectors on, and the peak memory of the process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np


def main() -> None:
    texts_file, vectors_file, seed, topics = sys.argv[1:]
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    texts, vectors = json.loads(Path(texts_file).read_text()), np.load(vectors_file)
    since = time.perf_counter()
    from bertopic import BERTopic
    from umap import UMAP

    # BERTopic's own settings; its reducer is named only to give it a seed.
    reducer = UMAP(n_neighbors=15, n_components=5, min_dist=0.0, metric="cosine", random_state=int(seed))
    model = BERTopic(umap_model=reducer, nr_topics=None if topics == "default" else int(topics))
    found, strengths = model.fit_transform(texts, vectors)
    seconds = time.perf_counter() - since
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    told = {"seconds": seconds, "gigabytes": int(line.split()[1]) * 1024 / 1e9}
    print(json.dumps(told | {"cluster": np.asarray(found).tolist(), "strength": np.asarray(strengths).tolist()}))


if __name__ == "__main__":
    main()
