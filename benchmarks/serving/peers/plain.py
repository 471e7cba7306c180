"""What everybody writes first: FastAPI, one photo at a time, no queue, no log, no key."""

import os

import uvicorn
from fastapi import FastAPI, UploadFile

from serving.peers.model import load

app = FastAPI()
model = load()


@app.post("/predict")
def predict(file: UploadFile) -> list[float]:
    return model([file.file.read()])[0]


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PEER_PORT"]), log_level="error")
