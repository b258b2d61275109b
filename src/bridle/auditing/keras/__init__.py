"""Keras models in a traced script. Keras is never imported here: it is noticed when the script imports it."""
