"""What models learn: words with known frequencies, and real text in bytes or BPE tokens."""
