"""Steps for tests of the worker itself: they behave as the text of the line tells them to."""
