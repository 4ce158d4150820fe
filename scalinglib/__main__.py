"""`python -m scalinglib` is the `scalinglib` command, which the package `scalingplan` has."""

import runpy

if __name__ == "__main__":
    runpy.run_module("scalingplan", run_name="__main__", alter_sys=True)
