"""Explain features in words, and score the explanations."""
