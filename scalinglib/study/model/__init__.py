"""One model: its transformer, its losses and teachers, and how it is trained."""
