"""Work in several processes, each on one core: spawned, since a fork would share locks and database connections."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Result = TypeVar("Result")


def in_processes(
    how: Callable[..., Result], tasks: Sequence[tuple[Any, ...]], processes: int
) -> Iterator[tuple[int, Result]]:
    """Call a function of a module once per task; yield each task's number with its result, as they come.

    Args:
        how: must be found by its name in its module, as every argument of the tasks.
        tasks: positional arguments of each call.
        processes: at the same time; 1 works in this process, in order.
    """
    if min(processes, len(tasks)) <= 1:
        yield from ((number, how(*task)) for number, task in enumerate(tasks))
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(processes, len(tasks)), mp_context=spawn) as pool:
        numbers = {pool.submit(how, *task): number for number, task in enumerate(tasks)}
        try:
            yield from ((numbers[done], done.result()) for done in as_completed(numbers))
        finally:
            pool.shutdown(cancel_futures=True)
