"""Probes: what predicts a label, learnt from features, from dense vectors, or from words.

`features`, `linear`, `probes` and `baselines` fit rows of numbers and see training rows only; `metrics` judges
predictions; `dense_layers`, `parts` and `detector` tie them to frames.
"""
