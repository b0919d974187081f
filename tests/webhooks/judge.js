// Judges webhooks by the public library, as judge.py does.
const { Webhook } = require("standardwebhooks");

require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
    const { secret, headers, body } = JSON.parse(line);
    try {
        console.log(new Webhook(secret).verify(body, headers).type);
    } catch {
        console.log("refused");
    }
});
