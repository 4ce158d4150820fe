"""What made committed tables once, and says how: no make target needs them."""
