"""Steps that do nothing but note the moment of their first line."""
