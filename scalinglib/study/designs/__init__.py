"""Which runs the committed studies are made of."""
