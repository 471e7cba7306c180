"""Advice, classes and numbers in words for people. None of them says that a mushroom is safe."""

import re
from dataclasses import dataclass

from mycovigil.models.safety import Advice, SafetyClass


@dataclass(frozen=True, slots=True)
class Wording:
    title: str
    text: str


VERDICTS: dict[Advice, Wording] = {
    Advice.AVOID: Wording(
        "Do not eat it.",
        "A poisonous or deadly species is likely enough to worry. Wash your hands, and keep it "
        "away from other mushrooms, children and animals.",
    ),
    Advice.CANNOT_TELL: Wording(
        "We cannot tell.",
        "Treat it as deadly. Harmful species could not be ruled out, or the photo is unlike "
        "those we know. Other views may help; an expert helps more.",
    ),
    Advice.EXPERT_CHECK: Wording(
        "Show it to an expert.",
        "We saw nothing that speaks against it, and that is not a yes: no photo can show that a "
        "mushroom may be eaten. Do not eat it on the word of this page.",
    ),
}
CLASSES: dict[str, str] = {
    SafetyClass.EDIBLE.value: "Edible species",
    SafetyClass.CONDITIONALLY_EDIBLE.value: "Edible only when prepared rightly",
    SafetyClass.POISONOUS.value: "Poisonous species",
    SafetyClass.DEADLY.value: "Deadly species",
}
TELEPHONE = re.compile(r"\+?\d[\d ()/.-]{1,20}\d")


def percent(share: float) -> str:
    """A probability as whole percents that are never shown as 0 or 100."""
    if share < 0.01:
        return "under 1 %"
    return "over 99 %" if share > 0.99 else f"{100 * share:.0f} %"


@dataclass(frozen=True, slots=True)
class PhoneNumber:
    """Whom to call: a text around a ``number``, which may be empty; ``dialled`` as in RFC 3966."""

    before: str
    number: str
    after: str

    @property
    def dialled(self) -> str:
        return re.sub(r"[^+\d]", "", self.number)


def phone_number(text: str) -> PhoneNumber:
    """The first telephone number in ``text``, and the text around it."""
    found = TELEPHONE.search(text)
    if found is None:
        return PhoneNumber(text, "", "")
    return PhoneNumber(text[: found.start()], found.group(), text[found.end() :])
