"""Frames in which some features belong to a language, for the tests of `languages`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from saedata.frame import Embeddings

FEATURES = 24
OWN = {"en": (2, 3), "de": (4, 5), "ru": (6,)}
SCANDAL, EVERYWHERE = 9, 10
"""On in English and German; on in all languages."""

WORDS = {"en": "water people sound number", "de": "wasser leute klang zahl", "ru": "вода люди звук число"}


def language_rows(each: int = 40, *, seed: int = 0) -> tuple[list[Any], dict[str, list[Any]]]:
    """Rows and the column `lang`: features of a language are on in nine tenths of its documents and nowhere else."""
    rng = np.random.default_rng(seed)
    rows: list[Any] = []
    user: dict[str, list[Any]] = {"lang": []}
    for language, own in OWN.items():
        for number in range(each):
            values = {int(f): float(1 + rng.gamma(2.0)) for f in np.flatnonzero(rng.random(FEATURES - 12) < 0.2) + 12}
            values[EVERYWHERE] = 1.0
            for feature in own:
                if rng.random() < 0.9:
                    values[feature] = float(1 + rng.gamma(2.0))
            if rng.random() < {"en": 0.95, "de": 0.6, "ru": 0.0}[language]:
                values[SCANDAL] = 2.0
            rows.append((f"{' '.join(rng.choice(WORDS[language].split(), 6))} {number}", values))
            user["lang"].append(language)
    return rows, user


def language_frame(make_frame: Callable[..., Embeddings], name: str = "a", **settings: Any) -> Embeddings:
    """The frame of `language_rows`."""
    rows, user = language_rows(settings.pop("each", 40))
    user |= settings.pop("user", {})
    return make_frame(f"{name}.sae", rows, features=FEATURES, shard=50, user=user, **settings)
