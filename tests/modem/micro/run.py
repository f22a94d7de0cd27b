"""Runs test modules under MicroPython: `micropython run.py ROOT MODULE...`; prints and fails as a test run does."""

import sys

root = sys.argv[1]
sys.path.insert(0, root)
sys.path.insert(0, root + "/tests/modem")
sys.path.insert(0, root + "/tests/modem/micro")

passed = failed = 0
for name in sys.argv[2:]:
    module = __import__(name)
    for key in sorted(dir(module)):
        if not key.startswith("test_"):
            continue
        test = getattr(module, key)
        values = getattr(test, "values", None)
        function = getattr(test, "function", test)
        for case in [()] if values is None else values:
            try:
                function(*case)
                passed += 1
            except Exception as error:
                failed += 1
                print("FAILED", name, key, case)
                sys.print_exception(error)
print(passed, "passed,", failed, "failed")
sys.exit(1 if failed or not passed else 0)
