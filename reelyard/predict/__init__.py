"""What a run will need, before it runs: pure functions over the catalog."""
