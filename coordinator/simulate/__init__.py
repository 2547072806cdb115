"""Invented or recorded traffic played on an invented fleet, on a clock that only the play moves.

A policy decides, the engine knows the truth: who is busy, what a run really takes, what fails. The
package reads files and prints; it never asks the machine's clock but to say what deciding cost, and
never touches the database.
"""
