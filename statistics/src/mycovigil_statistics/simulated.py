"""Simulated embeddings with known truth, for power studies (`../shared/design/measured.md`).

`x = normalize(0.70 m + 0.30 C[class] + 0.30 S[class, sub] + noise)`: m, 4 classes C and 20
sub-clusters S are random unit vectors, the noise has eigenvalues 1/i, trace 0.55², and a random
rotation. Heavy tails: the noise is multivariate t with 5 degrees of freedom, same covariance.
"""

from dataclasses import dataclass, replace

import numpy as np

from mycovigil_statistics.sample import FloatArray, IntArray

PRIORS = (0.4, 0.3, 0.2, 0.1)
SUBCLUSTERS = 5
NOISE = 0.55
DEGREES_OF_FREEDOM = 5


@dataclass(frozen=True, slots=True)
class Shift:
    """What changes: all zero is a calm night.

    `mean`: length of a common displacement; `scale`: noise is multiplied by 1 + scale; `prior`:
    share moved from the largest class to the smallest; `novel`: share of rows from a new
    sub-cluster of the last class; `look_alike`: share of rows of a new species between two known
    ones, inside the cloud; `sparse`: sd by which 5 dimensions move.
    """

    mean: float = 0.0
    scale: float = 0.0
    prior: float = 0.0
    novel: float = 0.0
    sparse: float = 0.0
    look_alike: float = 0.0


@dataclass(frozen=True, slots=True)
class DayEffects:
    """How days differ without drift: all zero, and days are random samples.

    `mean`: variance of a displacement common to the day, over that of the noise; `tails`: degrees
    of freedom of its multivariate t, 0 for normal; `mixture`: concentration of the Dirichlet
    distribution of a day's shares of the sub-clusters, 0 for fixed shares; `burst`: photos of one
    specimen, which share `likeness` of the noise's variance; `correlation`: of neighbouring days'
    displacements, an autoregressive series of order one.
    """

    mean: float = 0.0
    tails: float = 0.0
    mixture: float = 0.0
    burst: int = 1
    likeness: float = 0.5
    correlation: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """One random geometry. Draw any number of samples from it."""

    centre: FloatArray
    classes: FloatArray
    subclusters: FloatArray
    stranger: FloatArray
    colouring: FloatArray
    direction: FloatArray
    dimensions: IntArray
    spread: FloatArray
    heavy: bool

    @classmethod
    def random(cls, seed: int, dimension: int = 512, *, heavy: bool = False) -> "World":
        g = np.random.default_rng(seed)
        count = len(PRIORS)
        variances = 1 / np.arange(1, dimension + 1)
        variances *= NOISE**2 / variances.sum()
        rotation = np.linalg.qr(g.standard_normal((dimension, dimension)))[0]
        colouring = (np.sqrt(variances)[:, None] * rotation.T).astype(np.float32)
        world = cls(
            _units(g, 1, dimension)[0], _units(g, count, dimension),
            _units(g, count * SUBCLUSTERS, dimension).reshape(count, SUBCLUSTERS, dimension),
            _units(g, 1, dimension)[0], colouring, _units(g, 1, dimension)[0],
            g.choice(dimension, 5, replace=False), np.ones(dimension, np.float32), heavy,
        )  # fmt: skip
        calm, _ = world.draw(2_000, g)
        return replace(world, spread=calm.std(axis=0))

    def draw(
        self, rows: int, generator: np.random.Generator, shift: Shift = Shift()
    ) -> tuple[FloatArray, IntArray]:
        """(rows, d) unit features, and labels: the class, or -1 for a row of a new cluster."""
        g = generator
        priors = np.array(PRIORS) + np.array([-shift.prior, 0, 0, shift.prior])
        labels = g.choice(len(PRIORS), rows, p=priors)
        sub = self.subclusters[labels, g.integers(0, SUBCLUSTERS, rows)]
        novel = g.random(rows) < shift.novel
        labels[novel] = len(PRIORS) - 1
        sub[novel] = self.stranger
        x = 0.70 * self.centre + 0.30 * self.classes[labels] + 0.30 * sub
        if shift.look_alike:
            twins = g.random(rows) < shift.look_alike
            x[twins], novel = self._between, novel | twins
        x = x.astype(np.float32) + np.float32(1 + shift.scale) * self._noise(rows, g)
        x += np.float32(shift.mean) * self.direction
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        x[:, self.dimensions] += np.float32(shift.sparse) * self.spread[self.dimensions]
        return x, np.where(novel, -1, labels)

    def draw_day(
        self,
        rows: int,
        generator: np.random.Generator,
        effects: DayEffects = DayEffects(),
        shift: Shift = Shift(),
        displacement: FloatArray | None = None,
    ) -> tuple[FloatArray, IntArray]:
        """(rows, d) unit features of one day, and the specimen (group) of each row.

        `displacement`: (d,) of `displacements`, by default one of its own.
        """
        g = generator
        specimens = np.arange(rows) // effects.burst
        count = int(specimens[-1]) + 1
        shares = np.array(PRIORS) + np.array([-shift.prior, 0, 0, shift.prior])
        shares = np.repeat(shares / SUBCLUSTERS, SUBCLUSTERS)
        if effects.mixture:
            shares = g.dirichlet(shares * effects.mixture)
        kinds = g.choice(len(shares), count, p=shares)
        sub = self.subclusters.reshape(len(shares), -1)[kinds]
        novel = g.random(count) < shift.novel
        kinds[novel], sub[novel] = len(shares) - 1, self.stranger
        x = 0.70 * self.centre + 0.30 * self.classes[kinds // SUBCLUSTERS] + 0.30 * sub
        x = x.astype(np.float32)[specimens]
        x += np.float32(1 + shift.scale) * self._specimen_noise(specimens, effects, g)
        if displacement is None:
            displacement = self.displacements(1, g, effects)[0]
        x += np.float32(shift.mean) * self.direction + displacement
        x /= np.linalg.norm(x, axis=1, keepdims=True)
        return x, specimens

    def _specimen_noise(
        self, specimens: IntArray, effects: DayEffects, generator: np.random.Generator
    ) -> FloatArray:
        own = self._noise(len(specimens), generator)
        if effects.burst == 1:
            return own
        shared = self._noise(int(specimens[-1]) + 1, generator)[specimens]
        weights = np.sqrt([effects.likeness, 1 - effects.likeness]).astype(np.float32)
        return np.asarray(weights[0] * shared + weights[1] * own)

    def displacements(
        self, days: int, generator: np.random.Generator, effects: DayEffects
    ) -> FloatArray:
        """(days, d) displacements of days in a row."""
        if not effects.mean:
            return np.zeros((days, len(self.centre)), np.float32)
        sizes = np.full((days, 1), effects.mean)
        if effects.tails:
            sizes *= (effects.tails - 2) / generator.chisquare(effects.tails, (days, 1))
        white = generator.standard_normal((days, len(self.centre))).astype(np.float32)
        fresh = np.float32(np.sqrt(1 - effects.correlation**2))
        for day in range(1, days):
            white[day] = effects.correlation * white[day - 1] + fresh * white[day]
        return np.asarray(np.sqrt(sizes).astype(np.float32) * (white @ self.colouring))

    def probabilities(self, features: FloatArray, temperature: float = 0.08) -> FloatArray:
        """(n, 4) of a fair classifier: softmax of the cosine with each class's centre."""
        logits = features @ self.classes.T / temperature
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True), np.float32)

    @property
    def _between(self) -> FloatArray:
        """A species halfway between the first of the edible and the first of the deadly."""
        known = 0.30 * (self.classes + self.subclusters[:, 0])
        return np.asarray(0.70 * self.centre + (known[0] + known[-1]) / 2)

    def _noise(self, rows: int, generator: np.random.Generator) -> FloatArray:
        white = generator.standard_normal((rows, len(self.centre)), dtype=np.float32)
        noise: FloatArray = white @ self.colouring
        if self.heavy:
            df = DEGREES_OF_FREEDOM
            noise *= np.sqrt((df - 2) / generator.chisquare(df, (rows, 1))).astype(np.float32)
        return noise


def _units(generator: np.random.Generator, count: int, dimension: int) -> FloatArray:
    vectors = generator.standard_normal((count, dimension))
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)
