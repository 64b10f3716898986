"""Pictures of the dashboard on the samples, for the README.

Usage: python -m tests_browser.screenshots [FOLDER]   (default: docs)
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from tests_browser import chromium
from tests_browser.server import ROOT, dashboard
from tests_browser.visitor import Visitor

SIZES = {"wide": (1440, 900), "phone": (390, 844)}
VIEWS = {
    "overview": "",
    "compare": "compare",
    "features": "features?q=gratitude",
    "search": "search?q=%22asks+the+reader+a+question%22&limit=10",
    "correlations": "correlations",
    "map": "map?about=tone+of+voice&clusters=4",
}


def main(folder: Path, *, everything: bool) -> None:
    """Take them: in light and wide for the README, or also dark and on a phone to look at."""
    from playwright.sync_api import sync_playwright

    samples = [ROOT / "samples" / f"{name}.jsonl" for name in ("willow", "flint")]
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        subprocess.run([sys.executable, ROOT / "samples" / "both.py", Path(place) / "both.jsonl"], check=True)
        views = VIEWS if not everything else VIEWS | {"probe": "probe?corpus=both", "embed": "embed"}
        views |= {"separability": "separability?corpus=both", "toxicity": "toxicity"} if everything else {}
        frames = [*samples, Path(place) / "both.jsonl"] if everything else samples
        browser = playwright.chromium.launch(
            executable_path=str(chromium.installed()),
            args=["--no-sandbox", "--disable-gpu", "--hide-scrollbars"],
            env=dict(chromium.environment()),
        )
        with dashboard(frames, corpora=[Path(place)], log=Path(place) / "log") as address:
            for scheme in ("light", "dark") if everything else ("light",):
                for size in SIZES if everything else ("wide",):
                    context = browser.new_context(
                        viewport=dict(zip(("width", "height"), SIZES[size], strict=True)),  # type: ignore[arg-type]
                        color_scheme=scheme,  # type: ignore[arg-type]
                    )
                    for name, view in views.items():
                        visitor = Visitor(context.new_page(), address)
                        page = visitor.open(view)
                        page.wait_for_timeout(800)
                        stem = f"dashboard-{name}" if not everything else f"{name}-{size}-{scheme}"
                        page.screenshot(path=folder / f"{stem}.png")
                        page.close()
                    context.close()
        browser.close()


if __name__ == "__main__":
    given = [word for word in sys.argv[1:] if not word.startswith("-")]
    main(Path(given[0]) if given else ROOT / "docs", everything="--everything" in sys.argv)
