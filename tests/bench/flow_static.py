"""roamd as it would be without a look at the load: `python -m tests.bench.flow_static HOW ...`, then roamd's words.

`weights` and `uniform` place flows by what the paths can carry, or evenly, and
move none; `blind` does not even read the kernel's table of connections.
"""

from __future__ import annotations

import sys

from router.daemon import flow_control
from router.flow import assigner
from router.flow.buckets import assign


def main() -> int:
    how = sys.argv.pop(1)
    uniform = how == "uniform"
    if how == "blind":
        flow_control.FlowControl._look = lambda self, at: True

    def by_weights(candidates, buckets=(), arrivals=1.0, size=64):
        return assign({one.path: 1.0 if uniform else one.down for one in candidates}, buckets, size)

    assigner.place = by_weights
    assigner.choose_moves = lambda flows, candidates, now, limit=0: ()
    from router.cli import main as roamd

    return roamd()


if __name__ == "__main__":
    sys.exit(main())
