"""The scripts that make calls."""
