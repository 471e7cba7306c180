"""Bring a data set here: from Kaggle, an https archive, a bucket, or a folder."""
