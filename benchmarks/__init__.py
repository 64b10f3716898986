"""What is measured: `python -m benchmarks [NAME...]` measures, prints target and value, and rewrites RESULTS.md."""
