"""Reads cases of diffs from text, strictly: what breaks a rule raises Fault.

tests/unit/applier/adversarial/README.rst describes the format.  A file consists of
*blocks*: a line that begins with ``::``, and the lines below it up to the next one.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from support.diff_cases import FIFO, HARD_LINK, Case
from support.references import FILE, LINK, PROGRAM, Listing

GONE = "gone"
KINDS = {"file": FILE, "program": PROGRAM, "link": LINK}
KINDS |= {"hardlink": HARD_LINK, "fifo": FIFO, "gone": GONE}
TAKES_LINES = re.compile(":: (diff|(tree|result) (file|program) .+)")
TAKES_NONE = re.compile(
    r":: (case .+|(tree|result) link .+ -> .+|tree hardlink .+ -> .+|tree fifo .+"
    r"|result gone .+|result unchanged|refused .+|strip ([0-9]|none)|options -.+"
    r"|references ((=|no|other|yes) (=|no|other|yes)|- -)|why .+)"
)
MANY = ("tree", "diff", "result")  # the keys that may stand in a case repeatedly
PLAIN = re.compile(rb"([ -~]*[!-~])?")
ESCAPE = re.compile(rb"\\x([0-9a-f]{2})?")


class Fault(Exception):
    """The text breaks a rule of the format; the message begins with file and line."""


@dataclass(frozen=True)
class Block:
    place: str  # file and line
    text: str  # the line that begins it
    lines: list[bytes] = field(default_factory=list)

    @property
    def key(self) -> str:
        return self.text.split(" ")[1]

    @property
    def words(self) -> str:
        return self.text.partition(f" {self.key} ")[2]

    def require(self, right: object, rule: str) -> None:
        if not right:
            raise Fault(f"{self.place}: {self.text!r}: {rule}")

    def unescaped(self, text: bytes) -> bytes:
        digits = [found[1] for found in ESCAPE.finditer(text)]
        self.require(None not in digits, r"\x needs two digits, 0-9 or a-f")
        return ESCAPE.sub(lambda found: bytes.fromhex(found[1].decode()), text)

    def contents(self) -> bytes:
        text = b"".join(line + b"\n" for line in self.lines)
        return self.unescaped(text.replace(b"\\c\n", b""))


def read_blocks(path: Path) -> list[Block]:
    blocks = [Block(path.name, ":: diff")]  # the heading of the file: any text
    lines = path.read_bytes().removesuffix(b"\n").split(b"\n")
    for number, line in enumerate(lines, 1):
        block = Block(f"{path.name}:{number}", line.decode("latin-1"))
        block.require(PLAIN.fullmatch(line), r"not ASCII or a blank at its end: use \x")
        if line.startswith(b"::"):
            known = TAKES_LINES.fullmatch(block.text) or TAKES_NONE.fullmatch(
                block.text
            )
            block.require(known, r"an unknown key, or no such value (\x3a is a colon)")
            blocks.append(block)
        else:
            takes_lines = TAKES_LINES.fullmatch(blocks[-1].text)
            block.require(takes_lines or not line, "no line may stand here")
            blocks[-1].lines.append(line)
    return blocks[1:]


def tree_of(blocks: list[Block]) -> Listing:
    """Return what the blocks name: for each path its mode and its contents."""
    tree: Listing = {}
    for block in blocks:
        kind, name = block.words.split(" ", 1)
        name, target = name.split(" -> ", 1) if kind.endswith("link") else (name, "")
        path = os.fsdecode(block.unescaped(name.encode()))
        block.require(path not in tree, "a path twice")
        data = block.unescaped(target.encode()) or block.contents()
        tree[path] = KINDS[kind], data
    return tree


def case_of(head: Block, blocks: list[Block], common: Listing) -> Case:
    many: dict[str, list[Block]] = {key: [] for key in MANY}
    once: dict[str, str] = {}
    for block in blocks:
        if block.key in MANY:
            many[block.key].append(block)
        else:
            block.require(block.key not in once, "a key twice")
            once[block.key] = block.words
    results = [block for block in many["result"] if block.words != "unchanged"]
    unchanged = len(many["result"]) - len(results)
    head.require(many["diff"], "no diff")
    one = unchanged + bool(results) + ("refused" in once) == 1
    head.require(one, "not one of result, result unchanged, refused")
    head.require("references" in once, "no references")
    head.require(blocks[-1].key in ("references", "why"), "references, why come last")
    strip = once.get("strip", "1")
    after = tree_of(results)
    return Case(
        head.words,
        common | tree_of(many["tree"]),
        tuple(block.contents() for block in many["diff"]),
        once["references"],
        {path: None if entry[0] == GONE else entry for path, entry in after.items()},
        once.get("refused", ""),
        once.get("why", ""),
        None if strip == "none" else int(strip),
        tuple(once.get("options", "").split()),
    )


def read_tree(path: Path) -> Listing:
    blocks = read_blocks(path)
    for block in blocks:
        block.require(block.key == "tree", "not a tree")
    return tree_of(blocks)


def read_cases(folder: Path) -> list[Case]:
    """Return the cases of the ``.cases`` files in `folder`, on its ``common.tree``."""
    common = read_tree(folder / "common.tree")
    cases: dict[str, Case] = {}
    for path in sorted(folder.glob("*.cases")):
        groups: list[list[Block]] = []
        for block in read_blocks(path):
            if block.key == "case":
                groups.append([])
            block.require(groups, "no case begins above it")
            groups[-1].append(block)
        if not groups:
            raise Fault(f"{path.name}: no case")
        for head, *blocks in groups:
            head.require(head.words not in cases, "a name twice")
            cases[head.words] = case_of(head, blocks, common)
    return list(cases.values())
