"""A plain-text script: paragraphs are scenes, bracketed lines say what to see.

    [title: The Lighthouse]
    [voice: heart]

    [picture: a white lighthouse on the hills]
    At the edge of the hills stands a lighthouse.

    [picture: a red boat on the sea]
    [seconds: 4]
    All day long, boats pass by.

Directions in a paragraph of their own are for the next scene; a first paragraph of directions
without a picture is the heading, and what it says is for the whole film. A scene without a
picture keeps the one before; the first one draws its own first sentence. Two pictures in a row
make a silent scene. Never speaks a bracketed line aloud: what is no direction is a problem.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from reelyard.errors import Problem
from reelyard.source_map import MOST_PROBLEMS, Reading, refusal

_LIKE_A_DIRECTION = re.compile(r"\[[^\W\d_]+:")
_SENTENCE = re.compile(r"(.+?[.!?])(\s|$)")
OF_THE_FILM = frozenset({"title", "model", "size", "fps", "style", "overflow", "steps", "guidance"})
OF_A_SCENE = frozenset(
    {"picture", "seconds", "seed", "transition", "negative", "continue", "voice"}
)
OF_BOTH = frozenset({"voice", "negative", "seed"})
"""In the heading they are for the film."""
_NUMBERS = {"seconds": float, "guidance": float, "fps": int, "seed": int, "steps": int}
_TRUTHS = {"yes": True, "true": True, "on": True, "no": False, "false": False, "off": False}
MOST_SCENES = 5_000
"""What is even looked at; the farm's own limit is lower and says so itself."""
_LONGEST_OWN_PICTURE = 300


@dataclass(frozen=True, slots=True)
class _Direction:
    name: str
    value: str
    line: int


@dataclass(slots=True)
class _Draft:
    """One scene in the making."""

    directions: dict[str, _Direction] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)
    line: int = 0


def read_plain(text: str) -> Reading:
    """The storyboard as data, the line of each field, and the problems of the directions."""
    script = _Script()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for number, line in enumerate(lines, start=1):
        script.take(line.strip(), number)
        if len(script.scenes) > MOST_SCENES:
            raise refusal(
                "scenes", f"are more than {MOST_SCENES}", remedy="Make several films.", line=number
            )
    script.end()
    return Reading({**script.film, "scenes": script.scenes}, script.lines, tuple(script.problems))


class _Script:
    """Takes one line after the other."""

    def __init__(self) -> None:
        self.film: dict[str, Any] = {}
        self.scenes: list[dict[str, Any]] = []
        self.lines: dict[str, int] = {}
        self.problems: list[Problem] = []
        self._draft = _Draft()
        self._is_heading = True

    def take(self, line: str, number: int) -> None:
        """The next line, without the spaces around it."""
        if not line:
            self._paragraph_ends()
        elif direction := _direction(line, number):
            self._direct(direction)
        elif line.startswith("[") and (line.endswith("]") or _LIKE_A_DIRECTION.match(line)):
            self._complain(lambda: _no_direction(line, number))
        else:
            self._draft.said.append(line)
            self._draft.line = self._draft.line or number

    def end(self) -> None:
        """Nothing follows."""
        self._paragraph_ends()
        if "picture" in self._draft.directions:
            self._scene_ends()
        for left in self._draft.directions.values():
            self.problems.append(_left_over(left))

    def _paragraph_ends(self) -> None:
        if self._draft.said:
            self._scene_ends()
        elif self._draft.directions or self.film:
            self._heading_ends()

    def _heading_ends(self) -> None:
        """The first paragraph, when it only directs and draws nothing, speaks for the film."""
        if self._is_heading and "picture" not in self._draft.directions:
            for name in OF_BOTH & self._draft.directions.keys():
                self._of_the_film(self._draft.directions.pop(name))
        self._is_heading = False

    def _direct(self, direction: _Direction) -> None:
        if direction.name in OF_THE_FILM:
            self._of_the_film(direction)
        elif direction.name not in OF_A_SCENE:
            self._complain(lambda: _unknown(direction))
        elif direction.name not in self._draft.directions:
            self._draft.directions[direction.name] = direction
        elif direction.name == "picture":
            self._scene_ends()
            self._draft.directions["picture"] = direction
        else:
            self._complain(lambda: _twin(direction))

    def _complain(self, problem: Callable[[], Problem]) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem())

    def _of_the_film(self, direction: _Direction) -> None:
        if direction.name in self.film:
            self._complain(lambda: _twin(direction))
            return
        self.lines[direction.name] = direction.line
        self.film[direction.name] = self._value(direction)

    def _scene_ends(self) -> None:
        draft, self._draft, self._is_heading = self._draft, _Draft(), False
        said = " ".join(draft.said)
        path = f"scenes[{len(self.scenes)}]"
        first = next(iter(draft.directions.values()), None)
        line = draft.line or (first.line if first else 1)
        self.lines |= {path: line, f"{path}.picture": line, f"{path}.say": line}
        before = self.scenes[-1]["picture"] if self.scenes else _first_sentence(said)
        scene: dict[str, Any] = {"picture": before}
        for direction in draft.directions.values():
            self.lines[f"{path}.{direction.name}"] = direction.line
            scene[direction.name] = self._value(direction)
        self.scenes.append(scene | ({"say": said} if said else {}))

    def _value(self, direction: _Direction) -> object:
        """As a number or a truth where one is due; text that is none is refused with the rest."""
        if direction.name == "continue":
            return _TRUTHS.get(direction.value.lower(), direction.value)
        try:
            return _NUMBERS.get(direction.name, str)(direction.value)
        except ValueError:
            return direction.value


def _direction(line: str, number: int) -> _Direction | None:
    if not (line.startswith("[") and line.endswith("]") and ":" in line):
        return None
    name, _, value = line[1:-1].partition(":")
    return _Direction(name.strip().lower(), value.strip(), number)


def _first_sentence(said: str) -> str:
    found = _SENTENCE.match(said)
    return (found[1] if found else said)[:_LONGEST_OWN_PICTURE]


def _unknown(direction: _Direction) -> Problem:
    known = sorted(OF_THE_FILM | OF_A_SCENE)
    near = difflib.get_close_matches(direction.name, known, n=1)
    remedy = f"Did you mean `[{near[0]}: ...]`?" if near else f"Known: {', '.join(known)}."
    name = f"[{direction.name[:40]}: ...]"
    return Problem(name, "is not a direction", direction.value[:60], "", remedy, direction.line)


def _twin(direction: _Direction) -> Problem:
    name = f"[{direction.name}: ...]"
    remedy = "Keep one of the two."
    return Problem(name, "is given twice", direction.value[:60], "", remedy, direction.line)


def _left_over(direction: _Direction) -> Problem:
    return Problem(
        f"[{direction.name}: ...]",
        "belongs to no scene: nothing follows it",
        direction.value[:60],
        remedy="Put it above the scene's words, or take it out.",
        line=direction.line,
    )


def _no_direction(line: str, number: int) -> Problem:
    return Problem(
        "the script",
        "has a line in brackets that is no direction",
        line[:60],
        "[name: value] on a line of its own",
        "Write it like `[picture: a red boat]`; what is to be said goes without brackets.",
        number,
    )
