"""Azure goes away, is slow, and answers what it should not. What is known of the registries stays in force, at its true age."""

import time

from harness import azure
from harness.checks import check
from harness.reviews import ALLOWED
from harness.server import eventually

# A denial on facts older than 5 s asks Azure once more, for a second at most (webhook/limits.h), looked at every 250 ms.
DENIALS_WAIT = 1.5


def failing(world, modes: list[str | None], seconds: float):
    """Each of `modes` for so long; None: connections are refused."""
    with world.azure() as source, world.site(source.configuration) as site:
        eventually("a denial has asked Azure again", lambda: any(site.server.metrics("confirmations_total").values()), within=15)
        for mode in modes:
            before = source.seen[mode]
            with site.fault():
                if mode is None:
                    source.close()
                else:
                    source.mode = mode
                time.sleep(seconds)
                # Azure is asked about a registry at most every 5 s, and for lists every 10.
                eventually("Azure is asked", lambda: mode is None or source.seen[mode] > before, within=15)
            source.mode = azure.PASS
            if mode is None:
                source.open()
            # Back: a question to Azure is answered again, and that with what the server asks by itself.
            begun = time.monotonic()
            passed = source.seen[azure.PASS]
            eventually("Azure is asked, and answers", lambda: source.seen[azure.PASS] > passed, within=20)
            site.recover()
            site.recovered(time.monotonic() - begun)
        slowest = max(sample.ended - sample.sent for sample in site.samples(site.begun) if sample.outcome == "answered")
        assert slowest <= DENIALS_WAIT, f"an admission took {slowest:.2f} s"
        return site.finish(of=lambda sample: sample.kind in ALLOWED), f"the slowest denial took {slowest:.2f} s; recovery: until Azure answered again"


@check("Azure gone: connections refused")
def azure_gone(world):
    return failing(world, [None] * max(1, world.rounds // 2), 3)


@check("Azure answers after 3 s; not at all")
def azure_slow(world):
    return failing(world, [azure.SLOW, azure.SILENT], 6)


@check("Azure answers 429; 500; no JSON; half of an answer")
def azure_wrong(world):
    return failing(world, [azure.THROTTLE, azure.FAIL, azure.GARBAGE, azure.CUT], 2)
