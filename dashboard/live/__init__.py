"""Keeps open pages up to date: one look at the farm and one rendering, however many tabs watch."""
