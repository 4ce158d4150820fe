"""Where things are, whatever folder a notebook runs in."""

from pathlib import Path

__all__ = ["DATA", "FIGURES", "ROOT"]

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "data"
FIGURES = ROOT / "figures"
