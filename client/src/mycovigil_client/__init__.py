"""A typed client of the predictor, blocking and asyncio; a retry never makes a second prediction.

>>> from mycovigil_client import Client
>>> with Client("https://predictor.example", "myco_…") as client:
...     answer = client.predict(Path("cap.jpg"))
"""

from mycovigil_client.answer import Answer, PredictionRefused, Reason
from mycovigil_client.asynchronous import AsyncClient
from mycovigil_client.blocking import Client
from mycovigil_client.safety import Advice, CertificateStatus, SafetyClass

__all__ = [
    "Advice",
    "Answer",
    "AsyncClient",
    "CertificateStatus",
    "Client",
    "PredictionRefused",
    "Reason",
    "SafetyClass",
]
