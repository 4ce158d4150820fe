"""A whole distillation scaling study at small scale: language, model, losses, runs."""

from scalinglib.extras import missing

try:
    import optax  # noqa: F401
    import wordfreq  # noqa: F401
except ImportError as error:
    raise missing("study", error) from error
