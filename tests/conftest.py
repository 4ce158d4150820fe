"""Test settings: repeatable property tests, timing left to `make bench`."""

from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")
