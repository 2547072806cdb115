"""What each page shows, worked out from the API's answers: pure functions over values."""
