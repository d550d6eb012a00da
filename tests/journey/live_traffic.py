"""Customers who keep coming until they are told to stop, and a count of what became of every request."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from churn.contract.reading import load_contract
from churn.data.simulation.shifts import Shift
from churn.data.simulation.world import World
from cli.simulation.live import Doors, send_world
from cli.simulation.sending import Pace, Sent

CONTRACT = Path(__file__).parents[2] / "contracts" / "telco.yaml"
BURST_SECONDS = 4.0
FIRST_SEED = 1000


@dataclass(slots=True)
class Traffic:
    """Bursts of customers, each customer once.

    Attributes:
        rate: requests a second; may be changed, as may the shifts.
        bursts: what came back, burst by burst.
        problem: what ended the sending, if it was not asked to end.
    """

    doors: Doors
    rate: float
    bursts: list[Sent] = field(default_factory=list)
    shifts: tuple[Shift, ...] = ()
    problem: BaseException | None = None
    _ending: threading.Event = field(default_factory=threading.Event)

    @property
    def sent(self) -> int:
        return sum(one.sent for one in self.bursts)

    @property
    def lost(self) -> int:
        """Requests that were refused, or that no door answered."""
        return sum(one.lost for one in self.bursts)

    @property
    def tries_again(self) -> int:
        return sum(one.tries_again for one in self.bursts)

    def run(self) -> None:
        contract = load_contract(CONTRACT)
        while not self._ending.is_set():
            try:
                _, sent = send_world(self._world(), contract, self.doors, pace=Pace(rate=self.rate))
            except BaseException as error:  # noqa: BLE001  a thread's failure is the test's
                self.problem = error
                return
            self.bursts.append(sent)

    def _world(self) -> World:
        customers = max(round(self.rate * BURST_SECONDS), 1)
        return World(
            customers=customers, months=1, seed=FIRST_SEED + len(self.bursts), is_followed=False, shifts=self.shifts
        )

    def end(self) -> None:
        self._ending.set()


@contextmanager
def coming(doors: Sequence[str], *, rate: float) -> Iterator[Traffic]:
    """Let customers come while the block runs; it may set their shifts."""
    traffic = Traffic(Doors(doors), rate)
    thread = threading.Thread(target=traffic.run, daemon=True)
    thread.start()
    try:
        yield traffic
    finally:
        traffic.end()
        thread.join(60)
    assert traffic.problem is None, traffic.problem
