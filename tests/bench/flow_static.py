"""roamd as it would be without a look at the load: `python -m tests.bench.flow_static weights|uniform ...`, then roamd's words."""

from __future__ import annotations

import sys

from router.flow import assigner
from router.flow.buckets import assign


def main() -> int:
    uniform = sys.argv.pop(1) == "uniform"

    def by_weights(candidates, buckets=(), arrivals=1.0, size=64):
        return assign({one.path: 1.0 if uniform else one.down for one in candidates}, buckets, size)

    assigner.place = by_weights
    assigner.choose_moves = lambda flows, candidates, now, limit=0: ()
    from router.cli import main as roamd

    return roamd()


if __name__ == "__main__":
    sys.exit(main())
