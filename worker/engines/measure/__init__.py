"""Measures networks without a GPU, without weights and without a download: the real-size module
runs on torch's meta device while a tracker counts its memory, operations and traffic, and laws are
fitted to the counts. What it finds goes into the catalog. Never renders and never loads a weight.
"""
