"""Bridle in other libraries' terms: one thin package each, imported only by who asks for it."""
