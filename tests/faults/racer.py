"""A promoter that rolls back at the moment that it is told, again and again: a process of its own in a race."""

import sys
import time

from churn.errors import ConflictError, NotFoundError, StoreError
from churn.settings import set_library_defaults


def main() -> None:
    """Read moments from standard input, one a line; answer each with what came of it."""
    set_library_defaults()
    from pipelines.moves import Order
    from pipelines.promote import rollback
    from pipelines.settings import PipelineSettings

    settings = PipelineSettings()
    say("ready")
    for line in sys.stdin:
        time.sleep(max(0.0, float(line) - time.time()))
        try:
            say(f"won {rollback(Order(sys.argv[1], 'a race'), settings=settings).version}")
        except ConflictError:
            say("conflict")
        except NotFoundError:
            say("too late")  # the winner had finished: there is nothing to go back to
        except StoreError as error:
            say(f"failed: {error}")


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201  that is how it answers


if __name__ == "__main__":
    main()
