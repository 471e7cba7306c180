"""From an alert to a finished retrain job."""
