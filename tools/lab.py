"""Settings of JupyterLab for this checkout; `make lab` names the file."""

from tools import pairs

c = get_config()  # noqa: F821, what traitlets gives a file of settings


def as_committed(model, **_):
    """Leave out what a session adds to a notebook, so that an unchanged one is saved unchanged."""
    if model["type"] == "notebook" and model.get("content"):
        model["content"]["metadata"] = dict(pairs.METADATA)


c.ContentsManager.pre_save_hook = as_committed
