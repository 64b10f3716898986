"""A reader may be asked by several threads at once, as in a server."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path


def test_threads_do_not_catch_each_others_states(tiny_reader: Path) -> None:
    import torch

    from saedata.reader import load_reader

    reader = load_reader(tiny_reader, layer=1)
    shapes = [(1 + n % 3, 2 + n % 5) for n in range(60)]

    def ask(shape: tuple[int, int]) -> bool:
        ids, mask = torch.ones(shape, dtype=torch.long), torch.ones(shape, dtype=torch.long)
        return tuple(reader.hidden(ids, mask).shape[:2]) == shape

    with ThreadPoolExecutor(6) as threads:
        assert np.all(list(threads.map(ask, shapes)))


def test_threads_load_readers_one_after_the_other() -> None:
    from transformers.utils import logging

    from saedata.reader.strangers import quiet_transformers

    level, inside, most = logging.get_verbosity(), [], []

    def load(number: int) -> None:
        with quiet_transformers(), quiet_transformers():  # one may call for another
            inside.append(number)
            time.sleep(0.01)
            most.append(len(inside))
            inside.remove(number)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(load, range(8)))
    assert max(most) == 1
    assert logging.get_verbosity() == level
