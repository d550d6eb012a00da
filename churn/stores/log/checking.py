"""Checking: walks blocks and their rows, wherever they were read from, and says what is not as it was recorded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from churn.stores.log.anchors import Anchor
from churn.stores.log.blocks import NOTHING, Block
from churn.stores.log.chain import Tail
from churn.stores.log.digests import digest_of
from churn.stores.log.ranges import Range, added, ranges_in, said, size, without

KEPT_FINDINGS = 100
"""So many are told one by one: a table that was changed as a whole would fill the memory."""


NO_TAIL = Tail(-1, NOTHING)
BROKEN = "broken: "
"""How the words of a log begin that is not as it was written."""


@dataclass(frozen=True, slots=True)
class SeenRow:
    """A row of a block, as it is now.

    Attributes:
        key: its id.
        digest: of what it holds now.
        noted: the digest that is stored beside it; of a move, which has none, the same as `digest`.
    """

    key: str
    digest: str
    noted: str | None


@dataclass(frozen=True, slots=True)
class Strays:
    """Rows that stand in no block.

    Attributes:
        predictions: without the number of a block.
        moves: likewise.
        lost: rows that name a block that does not hold them, or does not exist.
    """

    predictions: int
    moves: int
    lost: int


@dataclass(slots=True)
class Checked:
    """What a walk saw.

    Attributes:
        blocks: how many there are.
        predictions: recorded ones whose rows were looked at.
        moves: likewise.
        retained: blocks whose predictions retention has deleted.
        tail: the last block; None when there is no block.
        findings: what is wrong, in sentences; the first hundred.
        wrong: how many findings there are.
    """

    blocks: int = 0
    predictions: int = 0
    moves: int = 0
    retained: int = 0
    tail: Tail | None = None
    findings: list[str] = field(default_factory=list)
    wrong: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether nothing is wrong."""
        return self.wrong == 0

    @property
    def words(self) -> str:
        """What was found, in a sentence."""
        if self.wrong:
            more = f" and {self.wrong - 1} more" if self.wrong > 1 else ""
            return f"{BROKEN}{self.findings[0]}{more}"
        return f"{self.blocks} blocks, {self.predictions} predictions and {self.moves} moves are as they were recorded"


class Checker:
    """Takes blocks in the order of their numbers; memory does not grow with them."""

    def __init__(self, anchor: Anchor | None = None) -> None:
        self._anchor, self._is_anchored = anchor, False
        self._checked = Checked()
        self._expected_number, self._expected_previous = 0, {NOTHING}
        self._emptied: list[Range] = []
        self._deleted: list[Range] = []
        self._unlogged = {"predictions": 0, "moves": 0}

    def look_at(self, block: Block, rows: Sequence[SeenRow] | None) -> None:
        """Check a block against the one before and against its rows; None: they are not looked at."""
        self._check_link(block)
        self._check_anchor(block)
        self._checked.blocks += 1
        self._checked.tail = Tail(block.number, block.hash)
        if block.kind == "genesis":
            self._note_genesis(block)
        elif block.kind == "retention":
            self._note_retention(block)
        elif rows is not None:
            self._check_rows(block, rows)

    @property
    def rows_seen(self) -> int:
        """How many rows stood in their blocks."""
        return self._checked.predictions + self._checked.moves

    def finish(self, *, head: Tail | None = None, strays: Strays | None = None) -> Checked:
        """Check what can only be known at the end, and return all.

        Args:
            head: where the database says that the log ends; number -1: nowhere; None: a file has no head.
            strays: rows in no block; None: not looked for.
        """
        missing = without(self._emptied, self._deleted)
        self._checked.retained = size(self._emptied) - size(missing)
        for low, high in missing:
            self._find(f"all predictions of {'block' if low == high else 'blocks'} {said([(low, high)])} are missing")
        self._check_end(head)
        if strays is not None:
            self._check_strays(strays)
        return self._checked

    def _find(self, words: str) -> None:
        self._checked.wrong += 1
        if len(self._checked.findings) < KEPT_FINDINGS:
            self._checked.findings.append(words)

    def _check_link(self, block: Block) -> None:
        if block.number != self._expected_number:
            self._find(f"{_blocks(self._expected_number, block.number - 1)} missing before block {block.number}")
        elif block.previous not in self._expected_previous:
            self._find(f"block {block.number} does not follow the block before it: one of the two was replaced")
        if block.hashed() != block.hash:
            self._find(f"block {block.number} was changed")
        # Either of the two, so that one change is found once.
        self._expected_number, self._expected_previous = block.number + 1, {block.hash, block.hashed()}

    def _check_anchor(self, block: Block) -> None:
        if self._anchor is not None and block.number == self._anchor.number:
            self._is_anchored = True
            if block.hashed() != self._anchor.hash:
                self._find(f"block {block.number} is not the one that was sealed at {self._anchor.at}")

    def _note_genesis(self, block: Block) -> None:
        if block.number:
            self._find(f"block {block.number} begins the log a second time")
            return
        for name in self._unlogged:
            self._unlogged[name] = _number(block.facts.get(name))

    def _note_retention(self, block: Block) -> None:
        self._deleted += ranges_in(block.facts.get("blocks"))
        self._unlogged["predictions"] -= _number(block.facts.get("unlogged"))

    def _check_rows(self, block: Block, rows: Sequence[SeenRow]) -> None:
        if block.kind == "predictions" and block.rows and not rows:
            added(self._emptied, block.number)
            return
        if block.kind == "move":
            self._checked.moves += len(rows)
        else:
            self._checked.predictions += len(rows)
        for words in wrong_with(block, rows):
            self._find(words)

    def _check_end(self, head: Tail | None) -> None:
        tail = self._checked.tail
        if self._anchor is not None and not self._is_anchored:
            self._find(
                f"the log is shorter than the anchor says: {_end(tail)}, and block {self._anchor.number} was sealed at "
                f"{self._anchor.at}"
            )
        if head is not None and head != (tail or NO_TAIL):
            place = f"is block {head.number}" if head.number >= 0 else "is missing"
            self._find(f"the log's head {place}, and {_end(tail)}: blocks are missing, or the head was changed")

    def _check_strays(self, strays: Strays) -> None:
        found = {"predictions": strays.predictions, "moves": strays.moves}
        for name, count in found.items():
            more = count - self._unlogged[name] if self._checked.tail else 0
            if more > 0:
                self._find(f"{_some(more, name)} no block holds: added beside the log")
            elif more < 0:
                self._find(f"{_some(-more, name)} of before the log {_be(-more)} missing")
        if strays.lost:
            self._find(f"{_some(strays.lost, 'rows')} in a block that there is not: added beside the log")


def wrong_with(block: Block, rows: Sequence[SeenRow]) -> Iterator[str]:
    """Say what is wrong with the rows of a block, one sentence each."""
    changed = [row for row in rows if row.digest != row.noted]
    if digest_of((row.key, row.digest) for row in rows) == block.rows_digest:
        yield from (f"the digest of prediction {row.key} was changed, the prediction was not" for row in changed)
        return
    noun = "move" if block.kind == "move" else "prediction"
    yield from (f"{noun} {row.key} was changed (block {block.number})" for row in changed)
    if digest_of((row.key, row.noted or "") for row in rows) == block.rows_digest:
        return
    more = len(rows) - block.rows
    if more < 0:
        yield f"{_some(-more, noun + 's')} of block {block.number} {_be(-more)} missing"
    elif more > 0:
        yield f"{_some(more, noun + 's')} too many in block {block.number}"
    elif block.kind == "move":
        yield f"move {rows[0].key} was changed (block {block.number})"
    elif not changed:
        yield f"predictions of block {block.number} were exchanged, or changed together with their digests"


def _some(count: int, nouns: str) -> str:
    return f"1 {nouns.removesuffix('s')}" if count == 1 else f"{count} {nouns}"


def _be(count: int) -> str:
    return "is" if count == 1 else "are"


def _blocks(low: int, high: int) -> str:
    return f"block {low} is" if low == high else f"blocks {said([(low, high)])} are"


def _end(tail: Tail | None) -> str:
    return f"the last block is {tail.number}" if tail else "there is no block"


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0
