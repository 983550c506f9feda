"""The process runs out of descriptors while many connect."""

import resource
import socket
import time

from harness.checks import check


@check("no descriptor left: 200 connect where there is room for 20")
def descriptors(world):
    with world.site() as site:
        usual = resource.prlimit(site.server.pid, resource.RLIMIT_NOFILE)
        for _ in range(max(1, world.rounds // 2)):
            crowd = []
            with site.fault():
                resource.prlimit(site.server.pid, resource.RLIMIT_NOFILE, (site.server.status()["descriptors"] + 20, usual[1]))
                for _ in range(200):
                    crowd.append(socket.create_connection(("127.0.0.1", site.server.port), 5, ("127.0.0.2", 0)))
                time.sleep(3)
                for connection in crowd:
                    connection.close()
                resource.prlimit(site.server.pid, resource.RLIMIT_NOFILE, usual)
            site.recover()
            time.sleep(0.5)
        errors = site.server.metrics("connections_refused_total")['reason="accept_error"']
        assert errors, "it never ran out"
        # Who has a connection notices nothing; who wants one waits until there is a descriptor.
        return site.finish(of=lambda sample: sample.keeps), f"accept failed {errors:.0f} times"
