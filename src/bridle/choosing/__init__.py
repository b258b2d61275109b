"""Choosing a recipe from a space of recipes: sampling, scoring, selection, baselines and statistics."""
