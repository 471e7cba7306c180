"""The peer that everybody writes first: FastAPI, one photo at a time, no queue, no log, no key."""

import asyncio
import os
from pathlib import Path

import numpy as np
import onnxruntime as ort
import uvicorn
from fastapi import FastAPI, Request

from mycovigil.encoder.identity import EncoderIdentity
from mycovigil.image.decode import decode

folder = Path(os.environ["PEER_ENCODER"])
identity = EncoderIdentity.read(folder)
session = ort.InferenceSession(str(identity.checked_onnx(folder)))
app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> dict[str, float]:
    data = await request.body()
    return await asyncio.to_thread(_encode, data)


def _encode(data: bytes) -> dict[str, float]:
    pixels = decode(data, size=identity.image_size, max_pixels=10**8).pixels
    features = session.run(["features"], {"pixels": pixels[np.newaxis]})[0]
    return {"first": float(features[0, 0])}


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["PEER_PORT"]), log_level="error")
