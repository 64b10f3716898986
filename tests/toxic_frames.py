"""Frames with toxic documents in two or three languages, for the tests of `toxicity`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

    MakeFrame = Callable[..., Embeddings]

FEATURES = 20
MILD = {"en": "calm kind plain quiet", "de": "ruhig nett schlicht leise", "fr": "calme gentil simple doux"}
RUDE = {"en": "rotten", "de": "mies", "fr": "pourri"}
SHARED, OWN = 3, {"en": 5, "de": 6, "fr": 7}


def toxic_rows(
    each: int = 60, languages: tuple[str, ...] = ("en", "de"), *, seed: int = 0, clear: float = 0.9
) -> tuple[list[Any], dict[str, list[Any]]]:
    """Rows and columns: feature 3 tells toxic documents everywhere, another one in each language; the rest is noise."""
    rng = np.random.default_rng(seed)
    rows: list[Any] = []
    user: dict[str, list[Any]] = {"toxic": [], "lang": []}
    for language in languages:
        for number in range(each):
            toxic = number % 2 == 0
            values = {int(f): float(rng.gamma(2.0)) for f in np.flatnonzero(rng.random(FEATURES - 8) < 0.3) + 8}
            for feature, share in ((SHARED, 0.6), (OWN[language], clear)):
                if rng.random() < (share if toxic else 0.05):
                    values[feature] = float(1 + rng.gamma(2.0))
            words = list(rng.choice(MILD[language].split(), 4)) + ([RUDE[language]] if toxic else [])
            rows.append((f"{' '.join(words)} {number}", values))
            user["toxic"].append(bool(toxic))
            user["lang"].append(language)
    return rows, user


def toxic_frame(make_frame: MakeFrame, name: str = "a", **settings: Any) -> Embeddings:
    """The frame of `toxic_rows`."""
    more = {key: settings.pop(key) for key in ("user", "encoder", "labels") if key in settings}
    rows, user = toxic_rows(**settings)
    user |= more.pop("user", {})
    return make_frame(f"{name}.sae", rows, features=FEATURES, shard=50, user=user, **more)
