"""Judge recipes on one folder of photos: out of fold, by specimen and by species."""
