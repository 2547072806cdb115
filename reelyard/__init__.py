"""The vocabulary of the farm: what coordinator, worker and dashboard share.

Never touches a database, a broker or torch; see docs/architecture.md for the rules.
"""

__version__ = "0.1.0"
