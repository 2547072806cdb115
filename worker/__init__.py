"""Runs tasks on a node: knows the broker and the artifact store, nothing else."""
