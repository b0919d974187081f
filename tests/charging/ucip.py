"""Python's own XML-RPC on either side of the wire, which shares nothing with the program.

serve: a charging system. Prints its port, answers as the last two digits of the number say, and lists under GET /seen, as
       JSON, what it was sent.
call URL: a client. Reads one JSON object {"method": …, "members": {…}} per line, prints one answer per line.
"""

import base64
import http.server
import json
import sys
import xmlrpc.client


class Transport(xmlrpc.client.Transport):
    user_agent = "UGw Server/5.0/1.0"


def plain(value):
    if isinstance(value, xmlrpc.client.DateTime):
        return {"time": value.value}
    if isinstance(value, dict):
        return {name: plain(member) for name, member in value.items()}
    return value


def call(url):
    air = xmlrpc.client.ServerProxy(url, transport=Transport())
    for line in sys.stdin:
        asked = json.loads(line)
        members = asked["members"]
        if "originTimeStamp" in members:
            members["originTimeStamp"] = xmlrpc.client.DateTime(members["originTimeStamp"])
        try:
            answer = getattr(air, asked["method"])(members)
            print(json.dumps({"answer": plain(answer)}), flush=True)
        except xmlrpc.client.Fault as fault:
            print(json.dumps({"fault": fault.faultCode}), flush=True)
        except xmlrpc.client.ProtocolError as error:
            print(json.dumps({"http": error.errcode}), flush=True)


class Air(http.server.BaseHTTPRequestHandler):
    seen = []

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.reply(json.dumps(self.seen))

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        params, method = xmlrpc.client.loads(body)
        basic = base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode()
        self.seen.append({
            "path": self.path, "method": method, "members": plain(params[0]), "basic": basic,
            "user_agent": self.headers["User-Agent"], "content_type": self.headers["Content-Type"],
        })
        number, reference = params[0]["subscriberNumber"], params[0]["originTransactionID"]
        ending = int(number[-2:])
        if ending == 90:
            return self.reply(xmlrpc.client.dumps(xmlrpc.client.Fault(1000, "Illegal request"), methodresponse=True))
        answer = {
            "originTransactionID": reference,
            "responseCode": {91: 102, 92: 100, 93: 1}.get(ending, 0),
            "accountAfterRefill": {"accountValue1": "2000", "currency1": "MAD"},
            "accountValue1": "4200", "currency1": "MAD", "when": xmlrpc.client.DateTime("20261122T10:15:30+0100"),
        }
        self.reply(xmlrpc.client.dumps((answer,), methodresponse=True))

    def reply(self, text):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def serve():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Air)
    print(server.server_port, flush=True)
    server.serve_forever()


call(sys.argv[2]) if sys.argv[1] == "call" else serve()
