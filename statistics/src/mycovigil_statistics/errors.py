"""What callers get for input that no test can judge. All are `ValueError`s: bad input, no bug."""


class SampleError(ValueError):
    """The rows cannot be tested; the message says what to do about it."""


class InsufficientRows(SampleError):
    """Too few rows, or too few independent groups, for a verdict with a stated error rate."""


class DimensionMismatch(SampleError):
    """Arrays disagree in length or width with each other or with the reference."""


class NotNumbers(SampleError):
    """An array holds text, dates or complex numbers."""


class NotFinite(SampleError):
    """Features or probabilities contain NaN or infinity."""
