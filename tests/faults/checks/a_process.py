"""The process is killed, stopped and told to end, under load."""

import signal
import time

from harness.checks import check
from harness.server import eventually


@check("`kill -9`, and a start")
def killed(world):
    with world.site() as site:
        for _ in range(world.rounds):
            with site.fault():
                site.server.kill()
            site.server.start()
            site.recover()
            time.sleep(0.3)
        # Whatever was under way fails; whoever comes meanwhile is refused.
        return site.finish(away=True, tolerates=("refused", "failed"))


@check("`SIGSTOP` for a second, and `SIGCONT`")
def stopped(world):
    with world.site() as site:
        for _ in range(world.rounds):
            with site.fault():
                site.server.signal(signal.SIGSTOP)
                time.sleep(1)
                site.server.signal(signal.SIGCONT)
            site.recover()
            time.sleep(0.5)
        return site.finish(away=True)


@check("`SIGTERM`, and a start")
def terminated(world):
    with world.site({"server": '{address: "127.0.0.1:PORT", drainDelay: 1s}'}) as site:
        for _ in range(world.rounds):
            with site.fault():
                site.server.signal(signal.SIGTERM)
                eventually("it is not ready while it drains", lambda: not site.server.ready())
                eventually("it has ended", lambda: not site.server.running(), within=20)
            assert site.server.exit_code() == 0, f"it ended with {site.server.exit_code()}"
            site.server.start()
            site.recover()
            time.sleep(0.3)
        # Whoever comes while nobody listens is refused. Nobody else notices.
        return site.finish(away=True, tolerates=("refused",))
