"""What a person writes about a decision."""

from typing import Annotated

from pydantic import StringConstraints

# Blanks around them are not kept, so that blanks alone are no reason.
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=500)]
