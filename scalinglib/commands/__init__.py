"""The commands of `scalinglib`, a module each: `add_parser(subparsers)` and `run(arguments)`."""
