"""A whole distillation scaling study at small scale: language, model, losses, runs."""
