"""The commands of `scalinglib`, a module each: `add(parser)` and `run(arguments)`."""
