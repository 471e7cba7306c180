"""The whole system on one machine: embedded servers, and every service as a process."""
