"""After the interop tests: how many activations were compared with those of the other libraries."""

from __future__ import annotations

import comparison
import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """One line per library."""
    for module, (saes, compared, on, near) in sorted(comparison.COUNTS.items()):
        line = (
            f"{module}: {saes} SAEs, {compared} activations equal, {on} of them on, {near} too near a threshold to tell"
        )
        terminalreporter.write_line(line)
