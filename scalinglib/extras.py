"""What to install where a package is missing that only some rooms need."""


def missing(extra, error):
    """The ImportError to raise instead of `error`: it names the extra that brings the package."""
    what = error.name or "what this needs"  # Dask's own error names no package
    return ImportError(
        f'{what} is not installed; pip install "scalinglib[{extra}]" brings it', name=error.name
    )
