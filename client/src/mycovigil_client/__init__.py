"""A typed client of the predictor, blocking and asyncio, that retries without doubling.

>>> from mycovigil_client import Client
>>> with Client("https://predictor.example", "myco_…") as client:
...     answer = client.predict(Path("cap.jpg"))
"""

from mycovigil_client.answer import Answer, PredictionRefused, Reason
from mycovigil_client.asynchronous import AsyncClient
from mycovigil_client.blocking import Client

__all__ = ["Answer", "AsyncClient", "Client", "PredictionRefused", "Reason"]
