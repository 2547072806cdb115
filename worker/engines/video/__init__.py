"""One engine for every diffusers video pipeline: load, place, call, give back the pictures."""
