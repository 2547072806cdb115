"""The HTTP API: jobs, workers, artifacts, events, health. Views decide nothing."""
