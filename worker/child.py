"""An engine process as its lane sees it: started, told, heard, ended. Decides nothing."""

from __future__ import annotations

import multiprocessing
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from reelyard.failure import Failure
from worker.diagnose import diagnose_exit
from worker.engine import main
from worker.talk import Bench, Said

_END_SECONDS = 1.0
_DEATH_SECONDS = 5.0


@dataclass(slots=True)
class Child:
    """An engine process and the pipe to it. `resident` is what it last said that it holds,
    `loading` the model that it loads now."""

    process: SpawnProcess
    pipe: Connection
    resident: dict[str, float] = field(default_factory=dict)
    loading: str = ""
    speaking: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_alive(self) -> bool:
        """False once it has ended."""
        return self.process.is_alive()

    def tell(self, message: object) -> bool:
        """False when it does not listen any more. From several threads, one at a time."""
        with self.speaking:
            try:
                self.pipe.send(message)
            except OSError:
                return False
        return True

    def listen(self, seconds: float) -> tuple[Said | None, bool]:
        """What it says within that time, and whether it is over with it."""
        ready = wait([self.pipe, self.process.sentinel], timeout=seconds)
        said = self._receive() if self.pipe in ready else None
        return said, bool(ready) and said is None

    def what_is_left(self) -> list[Said]:
        """All that it has said by now."""
        found = []
        while self.pipe.poll() and (said := self._receive()) is not None:
            found.append(said)
        return found

    def kill(self) -> None:
        """At once."""
        self.process.kill()

    def end(self) -> None:
        """It ends by itself when its pipe is closed, and is killed when it does not."""
        self.pipe.close()
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(_DEATH_SECONDS)

    def cause_of_death(self) -> Failure:
        """What its end means."""
        self.process.join(_DEATH_SECONDS)
        self.pipe.close()
        return diagnose_exit(self.process.exitcode)

    def _receive(self) -> Said | None:
        try:
            said = self.pipe.recv()
        except (EOFError, OSError):
            return None
        return said if isinstance(said, Said) else None


def start_child(bench: Bench) -> Child:
    """A fresh engine process. Spawned: a fork would inherit the locks of our threads."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(bench, theirs), name=f"engine {bench.name}")
    process.start()
    theirs.close()
    return Child(process, ours)
