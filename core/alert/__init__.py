"""What raises an alert, whom it reaches by which channel, and how it escalates."""
