"""The house rules of a farm: whose turn it is, where, and when. Values, and how they are read from
the document that people write. Never asks a clock, a database or a worker.
"""
