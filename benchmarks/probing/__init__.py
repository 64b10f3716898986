"""Sparse probing: 39 yes/no questions about texts, answered from few features and from dense baselines."""
