"""Fuzz the decoders: `python -m tests.fuzz.fuzz_wire --seconds 60` at the top of the project.

Wants atheris (`pip install atheris`).  What breaks a property of `tests.fuzz.properties`
goes to `tests/fuzz/findings/`, from where `test_findings.py` replays it for ever.
"""

import argparse
import hashlib
import os
import sys
import tempfile
from pathlib import Path

FINDINGS = Path(__file__).parent / "findings"


def seeds():
    """Golden packets: every message and extension once."""
    from tests.mip.wire.strategies import GOLDEN_DISCOVERY, GOLDEN_OCTETS

    return [*GOLDEN_OCTETS, *GOLDEN_DISCOVERY]


def keep(data):
    FINDINGS.mkdir(exist_ok=True)
    path = FINDINGS / f"{hashlib.sha1(data).hexdigest()}.bin"
    path.write_bytes(data)
    return path


def main(argv=None):
    parser = argparse.ArgumentParser(description="Fuzz the decoders of Mobile IP's messages.")
    parser.add_argument("--runs", type=int, default=0, help="inputs to try; 0: no limit")
    parser.add_argument("--seconds", type=int, default=0, help="time to spend; 0: no limit")
    options = parser.parse_args(argv)
    try:
        import atheris
    except ImportError:
        print("fuzzing wants atheris: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["router.mip.wire"]):
        from tests.fuzz.properties import check

    def one(data):
        try:
            check(data)
        except Exception:
            print(f"kept as {keep(data)}", file=sys.stderr)
            raise

    corpus = tempfile.mkdtemp(prefix="fuzz-wire-")
    for number, octets in enumerate(seeds()):
        Path(corpus, f"{number:03}").write_bytes(octets)
    limits = [f"-runs={options.runs}"] * bool(options.runs)
    limits += [f"-max_total_time={options.seconds}"] * bool(options.seconds)
    # The fuzzer ends the process itself: a child leaves us to clear up behind it.
    child = os.fork()
    if child == 0:
        arguments = [
            sys.argv[0],
            corpus,
            "-max_len=1500",
            "-timeout=10",
            f"-artifact_prefix={corpus}/",
            *limits,
        ]
        atheris.Setup(arguments, one)
        atheris.Fuzz()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for path in Path(corpus).iterdir():
        path.unlink()
    os.rmdir(corpus)
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
