"""A species: its name, its danger, its traits, where and when it grows."""

from dataclasses import dataclass

from mycovigil_simulator.traits import NO_VEIL, Cap, Ground, Hymenium, SafetyClass, Stem, Veil


@dataclass(frozen=True, slots=True)
class Species:
    """One species of the simulated wood. `months` are the months (1 to 12) when it fruits."""

    name: str
    safety_class: SafetyClass
    cap: Cap
    hymenium: Hymenium
    stem: Stem
    grounds: tuple[Ground, ...]
    months: tuple[int, ...]
    veil: Veil = NO_VEIL
    group: tuple[int, int] = (1, 3)
    clustered: bool = False
    look_alikes: tuple[str, ...] = ()

    @property
    def genus(self) -> str:
        """The first half of the name, in lower case."""
        return self.name.split("_", maxsplit=1)[0]

    @property
    def latin(self) -> str:
        """The name as it is written in a field guide."""
        return self.name.replace("_", " ").capitalize()
