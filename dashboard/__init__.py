"""Shows the farm to people, over HTTP to the API only."""
