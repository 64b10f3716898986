"""A reader may be asked by several threads at once, as in a server."""

from __future__ import annotations

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
