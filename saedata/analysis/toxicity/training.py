"""Who learns from whom: each language from its own documents, from all others, and from all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from saedata.analysis.toxicity.methods import DENSE, HEAD, MEANS, RULE, Fitted, fit_methods

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from saedata.analysis.toxicity.documents import Documents
    from saedata.analysis.toxicity.methods import Material, Settings

OTHERS, EVERY = "all others", "all languages"

ACROSS = (RULE, HEAD, MEANS, DENSE)
"""Methods that are tried on other languages than they learnt from."""

TOGETHER = 8000
"""Discovery documents of several languages that are learnt from at most: a sample, the same share of each."""


@dataclass(frozen=True, eq=False)
class Training:
    """Methods that learnt from the same documents.

    Attributes
    ----------
    name
        The language, "all others" or "all languages".
    languages
        Those learnt from.
    tests
        Those judged on.
    train
        Positions of the documents.
    fits
        The methods.
    """

    name: str
    languages: tuple[int, ...]
    tests: tuple[int, ...]
    train: NDArray[np.int64]
    fits: list[Fitted]

    @property
    def own(self) -> int | None:
        """The language, where it is one."""
        return self.languages[0] if len(self.languages) == 1 else None

    def shown(self, language: int) -> list[Fitted]:
        """Methods that are judged on a language: in its own all, in others the best k of those that go across."""
        if language == self.own:
            return self.fits
        return [one for one in self.fits if one.best and one.method in ACROSS]

    def best(self, method: str) -> Fitted | None:
        """A method with the k that validates best."""
        return next((one for one in self.fits if one.method == method and one.best), None)


def trainings(
    docs: Documents,
    material: Material,
    baselines: Sequence[str],
    settings: Settings,
    *,
    transfer: bool,
    done: Callable[[float], None],
) -> list[Training]:
    """Fit everything.

    Parameters
    ----------
    docs, material
        All documents.
    baselines
        Baselines beside every language.
    settings
        Of the fits.
    transfer
        Whether methods are judged on other languages too.
    done
        Called with the number of training sets just fitted.
    """
    every = tuple(range(len(docs.names)))
    own = (RULE, HEAD, MEANS, *baselines)
    made = []
    for one in every:
        train = docs.discovery(one)
        fits = fit_methods(docs, material, train, own, settings)
        made.append(Training(docs.names[one], (one,), every if transfer else (one,), train, fits))
        done(1)
    if len(every) == 1:
        return made
    across = [name for name in own if name in (RULE, HEAD, DENSE)]
    groups = [(OTHERS, tuple(o for o in every if o != one), (one,)) for one in every if transfer and len(every) > 2]
    for name, languages, tests in [*groups, (EVERY, every, every)]:
        train = docs.sampled(docs.discovery(*languages), TOGETHER)
        made.append(Training(name, languages, tests, train, fit_methods(docs, material, train, across, settings)))
        done(1)
    return made


def count(languages: int, *, transfer: bool) -> int:
    """How many training sets there are."""
    return 1 if languages == 1 else languages + 1 + (languages if transfer and languages > 2 else 0)
