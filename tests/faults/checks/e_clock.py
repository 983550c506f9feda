"""The wall clock steps, as when a node's time synchronisation sets it right."""

import time

from harness.checks import check
from harness.reviews import ALLOWED
from harness.world import set_clock

HOUR = 3600
LONG = 100 * HOUR  # beyond staleVerdict, which is 72 h: what is known is too old at once, and Azure is asked before a denial
MONTH = 40 * 24 * HOUR  # beyond audit.retention.age, which is 30 d: whoever believes it deletes the whole log
# Where the clock is then, and for how many seconds. Azure is asked about a registry at most every 5 s.
STEPS = [(HOUR, 1), (0, 1), (-HOUR, 1), (0, 1), (LONG, 6), (0, 1), (-LONG, 6), (0, 6), (MONTH, 6), (0, 1), (-MONTH, 6), (0, 1)]


@check("the wall clock an hour, 100 h and 40 d ahead, and as much back")
def clock(world):
    offset, environment = world.clock()
    # Certificates that are valid at all of these times.
    set_clock(offset, -1000 * HOUR)
    world.authorities(environment)
    identities = [world.authority.issue() for _ in range(2)]
    set_clock(offset, 0)
    with world.azure() as source, world.site(source.configuration, environment) as site:
        site.server.serve_certificate(*identities[0])
        for step, seconds in STEPS:
            with site.fault():
                set_clock(offset, step)
                time.sleep(seconds)
            site.recover()
        return site.finish(of=lambda sample: sample.kind in ALLOWED)
