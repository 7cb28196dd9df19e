"""One guarded call: circuit breaker and its window, deadline, trace."""
