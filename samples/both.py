"""Write both samples into one corpus with a column that says whose answer it is: something to predict.

Usage: python samples/both.py OUT.jsonl
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(out: Path) -> None:
    """Join willow and flint, row by row."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8") as file:
        for name in ("willow", "flint"):
            for line in (HERE / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
                file.write(json.dumps(json.loads(line) | {"assistant": name}, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
