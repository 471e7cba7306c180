"""What the two-sample test found. There is no verdict in it: the level is the caller's."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """One statistic: its exact, unadjusted permutation `p_value` and its `effect` size.

    An effect is a standardised mean difference (or its length over many axes) in excess of what
    calm rows show; 0 says nothing was seen.
    """

    name: str
    group: str
    p_value: float
    effect: float


@dataclass(frozen=True, slots=True)
class DriftResult:
    """The omnibus `p_value`, exact under exchangeability, and the `views` behind it.

    Under no drift `P(p_value <= a) <= a` for every a. `rows`, `pool_rows`: rows compared;
    `units`, `pool_units`: independent units (groups) among them; `permutations`: relabellings.
    """

    p_value: float
    views: tuple[View, ...]
    rows: int
    pool_rows: int
    units: int
    pool_units: int
    permutations: int

    @property
    def group_p_values(self) -> dict[str, float]:
        """The smallest view p of each group times the group's views (Bonferroni), at most 1."""
        groups: dict[str, list[float]] = {}
        for view in self.views:
            groups.setdefault(view.group, []).append(view.p_value)
        return {group: min(1.0, min(ps) * len(ps)) for group, ps in groups.items()}
