"""The upload page for people; works without JavaScript."""

from fastapi import APIRouter

router = APIRouter(include_in_schema=False)
