"""What was decided about lines that were kept, told once a kind with the first of its lines. Pure."""

from dataclasses import dataclass, field

SHOWN = 5


@dataclass
class Notes:
    """Remarks for the one who gave the file, and the rows that are neither used nor at fault."""

    plain: list[str] = field(default_factory=list)
    skipped: int = 0
    _kinds: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Once, about the whole file."""
        if text not in self.plain:
            self.plain.append(text)

    def add(self, kind: str, line: int, detail: str = "") -> None:
        """About one line."""
        count, shown = self._kinds.get(kind, (0, []))
        if len(shown) < SHOWN:
            shown.append(f"line {line}: {detail[:60]}" if detail else f"line {line}")
        self._kinds[kind] = (count + 1, shown)

    def skip(self, kind: str, line: int) -> None:
        """A row that is no product and no mistake."""
        self.skipped += 1
        self.add(kind, line)

    def told(self) -> list[str]:
        return [
            *self.plain,
            *(
                f"{count:,} x {kind} ({'; '.join(shown)}{' …' if count > len(shown) else ''})"
                for kind, (count, shown) in self._kinds.items()
            ),
        ]
