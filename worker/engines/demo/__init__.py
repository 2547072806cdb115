"""The classes of our own that the demo model's pipeline folder names."""
