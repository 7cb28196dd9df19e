"""What follows a failed attempt: retry policies, waits, budgets."""
