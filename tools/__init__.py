"""What makes, checks and measures this repository; nothing that a user of the library needs."""

import sys

# jsonschema, below nbformat, looks for this module to check addresses by and then builds a grammar,
# a second in every process; no schema of a notebook has an address.
sys.modules.setdefault("rfc3987_syntax", None)
