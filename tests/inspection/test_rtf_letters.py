"""Rich Text whose fonts have character sets of their own."""

from __future__ import annotations

from pathlib import Path

import pytest

from inspection.facts import facts

HEAD = r"{\rtf1\ansi\deff0{\fonttbl{\f0\fcharset0 Arial;}{\f1\fcharset128 G;}{\f2\fcharset204 A;}}"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (r"\f1 \'8f\'88\'8c\'59\'8b\'4c\'98\'5e", list("処刑記録")),
        (r"\f1 \'83]\'83\'8b\'83Q", list("ゾルゲ")),  # second halves that are letters
        ("\\f1 \\'8f\n\\'88", ["処"]),
        (r"{\f2 \'cf\'f0\'e8\'e2\'e5\'f2} na\'efve", ["привет", "naïve"]),
        (r"\f2\'cf\'f0\'e8\'e2\'e5\'f2\plain  na\'efve", ["привет", "naïve"]),
    ],
)
def test_letters_are_of_their_font(text: str, words: list[str], tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_text(f"{HEAD}\\pard {text}\\par}}", encoding="ascii")

    assert facts(path, "rtf")["words"] == words
