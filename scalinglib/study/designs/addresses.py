"""The paper's protocols on real English, for notebook 17."""

from pathlib import Path

from scalinglib.study import design_file

__all__ = ["FULL"]

FULL = design_file.read(Path(__file__).with_name("addresses.toml"))
