"""`make bench`: every speed goal, as a ratio to a floor measured in the same run. Ends with 1 when a goal is missed."""

import sys

from tests.benchmarks import backfill, engine, reading, reports, sla, startup, sweep, traces, trials

ALL = {
    "startup": startup.figures,
    "trials": trials.figures,
    "traces": traces.figures,
    "engine": engine.figures,
    "reading": reading.figures,
    "backfill": backfill.figures,
    "sla": sla.figures,
    "sweep": sweep.figures,
    "reports": reports.figures,
}


def main(names: list[str]) -> int:
    """Runs the benchmarks named, or all."""
    missed = 0
    for name in names or ALL:
        print(f"\n{name}", flush=True)
        for figure in ALL[name]():
            print("  " + str(figure), flush=True)
            missed += not figure.met
    print(f"\n{'All goals met.' if not missed else f'{missed} goals missed.'}")
    return 1 if missed else 0


sys.exit(main(sys.argv[1:]))
