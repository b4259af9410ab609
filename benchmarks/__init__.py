"""Measurements: `run.py` measures the groups of figures, `harness` compares two sides, `peers` generates other projects."""
