"""What `scalinglib NAME` does, one module a command: `add(parser)` and `run(arguments)`."""
