"""How the demo model is made: a small drawn world, a linear codec, a short training on a CPU."""
