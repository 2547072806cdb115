"""The pure half of the coordinator: values in, values out; no I/O, clock, dice or logging."""
