"""One file per resource: the addresses, what they take, what they answer. Thin: no decisions."""
