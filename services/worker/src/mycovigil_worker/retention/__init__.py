"""What is deleted when its time is over, and the partitions that are made ahead."""
