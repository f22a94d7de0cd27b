"""What the packages of this checkout hold."""

import pytest


@pytest.fixture(scope="session")
def content(packages):
    """A file of a package, by the package's name and the path on a router."""

    def content(name, path):
        return next(file for file in packages[name].files if file.path == path)

    return content
