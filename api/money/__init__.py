"""What was paid and what is owed, either way."""
