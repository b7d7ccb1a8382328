"""What is decided: pure functions, without clock, network or framework."""
