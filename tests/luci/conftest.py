"""A browser for the pages: one for all of them."""

import os
import shutil

import pytest

from tests.luci.browser import PROGRAM, Browser


@pytest.fixture(scope="session")
def browser():
    if shutil.which(PROGRAM) is None:
        if os.environ.get("CI"):
            pytest.fail(f"the pages must be tried here, but there is no {PROGRAM}")
        pytest.skip(f"needs {PROGRAM}")
    browser = Browser()
    try:
        yield browser
    finally:
        browser.close()
