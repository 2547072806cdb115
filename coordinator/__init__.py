"""Decides: the only owner of the database. Never runs a model."""
