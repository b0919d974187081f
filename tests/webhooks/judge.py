"""Judges webhooks by the public library: a line of JSON {secret, headers, body} each, answered by the event's type, or
by `refused`."""

import json
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

for line in sys.stdin:
    case = json.loads(line)
    try:
        print(Webhook(case["secret"]).verify(case["body"], case["headers"])["type"], flush=True)
    except WebhookVerificationError:
        print("refused", flush=True)
