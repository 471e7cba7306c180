"""An example of a webhook receiver: prints every alert that Alertmanager sends, a line each.

``python receiver.py [PORT]``. Put your chat's or pager's address into ``alertmanager.yml`` instead.
"""

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = 9095


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Alertmanager's webhook: https://prometheus.io/docs/alerting/latest/configuration/."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for alert in json.loads(body)["alerts"]:
            labels, notes = alert["labels"], alert["annotations"]
            fields = {
                "status": alert["status"],
                "alert": labels["alertname"],
                "severity": labels.get("severity"),
                "summary": notes.get("summary"),
                "dashboard": notes.get("dashboard"),
            }
            sys.stdout.write(json.dumps(fields) + "\n")
        sys.stdout.flush()
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """No access log."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    ThreadingHTTPServer(("", port), Receiver).serve_forever()
