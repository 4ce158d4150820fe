"""What to install where a package is missing that only some rooms need."""


def missing(extra, error):
    """The ImportError to raise instead of `error`: it names the extra that brings the package."""
    return ImportError(
        f'{error.name} is not installed; pip install "scalinglib[{extra}]" brings it',
        name=error.name,
    )
