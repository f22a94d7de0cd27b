"""As much of pytest as the tests of the modem core need, for MicroPython."""


class _Cases:
    """A test with its parameters."""

    def __init__(self, function, names, values):
        self.function = function
        self.names = names
        self.values = values


class _Mark:
    def parametrize(self, names, values, ids=None):
        single = isinstance(names, str) and "," not in names
        return lambda function: _Cases(function, names, [(value,) if single else value for value in values])


mark = _Mark()


class _Raises:
    def __init__(self, kind, match):
        self.kind = kind
        self.match = match

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            raise AssertionError("nothing was raised")
        return issubclass(kind, self.kind) and any(part in str(error) for part in self.match.split("|"))


def raises(kind, match=""):
    return _Raises(kind, match)
